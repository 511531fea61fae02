import Foundation
import Testing
import X509TestSupport
import X509Trust

@Suite("A12: paths that an attacker would like to be chains")
struct CertificatePathTests {
    private func code(
        _ path: [Certificate], _ anchors: [PinnedAnchor], usage: LeafUsage = .digitalSignature,
        at date: Date = Hierarchy.now
    ) throws -> String? {
        try refusal { _ = try CertificateChain.verify(path: path, anchors: anchors, usage: usage, at: date) }
    }

    private func code(of hierarchy: Hierarchy) throws -> String? { try code(hierarchy.path, hierarchy.anchors) }

    @Test("a path to a pinned root is a chain that is valid as long as all of its certificates are")
    func good() throws {
        let first = Hierarchy.start.addingTimeInterval(60)
        let last = Hierarchy.start.addingTimeInterval(3600)
        let hierarchy = try Hierarchy(
            authority: { $0.notAfter = last }, leaf: { $0.notBefore = first })
        let chain = try hierarchy.verify(at: first)
        #expect(chain.certificates == hierarchy.path)
        #expect(chain.leaf == hierarchy.leaf)
        #expect(chain.anchor == hierarchy.anchors[0])
        #expect(chain.notBefore == first && chain.notAfter == last)
        #expect(throws: Never.self) { try hierarchy.verify(at: last) }
    }

    @Test("before and after the validity of any of its certificates a path is refused, and says so")
    func dates() throws {
        let begin = Hierarchy.start.addingTimeInterval(100)
        let end = Hierarchy.start.addingTimeInterval(200)
        let shorten = { @Sendable (draft: inout CertificateDraft) in
            draft.notBefore = begin
            draft.notAfter = end
        }
        let hierarchies = [
            try Hierarchy(root: shorten), try Hierarchy(authority: shorten), try Hierarchy(leaf: shorten),
        ]
        for hierarchy in hierarchies {
            let refused = { (date: Date) in try code(hierarchy.path, hierarchy.anchors, at: date) }
            #expect(try refused(begin.addingTimeInterval(-1)) == "certificate_not_yet_valid")
            #expect(try refused(begin) == nil)
            #expect(try refused(end) == nil)
            #expect(try refused(end.addingTimeInterval(1)) == "certificate_expired")
        }
    }

    @Test("the order of a path is not guessed, and nothing may be missing, doubled or added")
    func exactness() throws {
        let hierarchy = try Hierarchy()
        let (leaf, authority, root) = (hierarchy.path[0], hierarchy.path[1], hierarchy.path[2])
        let stranger = try Hierarchy().authority.certificate
        let wrong: [[Certificate]] = [
            [], [leaf], [root], [leaf, root], [authority, leaf, root], [leaf, root, authority], [leaf, authority],
            [leaf, authority, authority, root], [leaf, authority, root, root], [leaf, leaf, authority, root],
            [leaf, stranger, root], [leaf, authority, stranger, root], [root, root],
            [leaf] + Array(repeating: authority, count: 9) + [root],
        ]
        for path in wrong {
            #expect(try code(path, hierarchy.anchors) == "chain_not_trusted", "\(path.map(\.subject))")
        }
        #expect(try code(hierarchy.path, []) == "no_anchor")
    }

    @Test("a root of the same name, of the same key, and one that is not pinned are no anchors")
    func foreignRoots() throws {
        let hierarchy = try Hierarchy()
        let twin = try Hierarchy()
        #expect(try code(twin.path, hierarchy.anchors) == "chain_not_trusted")
        let sameKey = try TestIssuer.root("Root", key: hierarchy.root.key, from: Hierarchy.start) {
            $0.serialNumber = [9]
        }
        #expect(
            try code([hierarchy.leaf, hierarchy.authority.certificate, sameKey.certificate], hierarchy.anchors)
                == "chain_not_trusted")
        #expect(
            try code([hierarchy.leaf, twin.authority.certificate, hierarchy.root.certificate], hierarchy.anchors)
                == "chain_not_trusted")
    }

    @Test("a pinned root must have the fingerprint that was taken from elsewhere")
    func fingerprint() throws {
        let root = try Real.certificate("intel/root.der")
        #expect(throws: Never.self) {
            try PinnedAnchor(
                name: "Intel SGX Root CA", certificate: root,
                fingerprint: "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3")
        }
        let error = #expect(throws: X509Error.self) {
            try PinnedAnchor(
                name: "Intel SGX Root CA", certificate: root, fingerprint: String(repeating: "0", count: 64))
        }
        #expect(error?.code == "anchor_mismatch")
    }

    @Test("a pinned certificate below a root is no anchor: there are no partial chains")
    func noPartialChains() throws {
        let hierarchy = try Hierarchy()
        let anchor = PinnedAnchor(name: "authority", certificate: hierarchy.authority.certificate)
        #expect(try code([hierarchy.leaf, hierarchy.authority.certificate], [anchor]) == "chain_not_trusted")
    }

    @Test("an issuer without basic constraints or key usage, or with contrary ones, issues nothing")
    func issuers() throws {
        let refused: [[TestExtension]] = [
            [], [.basicConstraints(isAuthority: true)], [.keyUsage(.keyCertSign)],
            [.basicConstraints(isAuthority: false), .keyUsage(.keyCertSign)],
            [.basicConstraints(isAuthority: true), .keyUsage(.digitalSignature, .crlSign)],
        ]
        for extensions in refused {
            #expect(try code(of: Hierarchy(authority: { $0.extensions = extensions })) == "chain_not_trusted")
            #expect(try code(of: Hierarchy(root: { $0.extensions = extensions })) == "chain_not_trusted")
        }
        let enough: [TestExtension] = [.basicConstraints(isAuthority: true), .keyUsage(.keyCertSign)]
        #expect(try code(of: Hierarchy(authority: { $0.extensions = enough })) == nil)
    }

    @Test("more authorities than a path length allows are refused")
    func pathLength() throws {
        #expect(try code(of: Hierarchy(root: { $0.extensions = TestExtension.authority(pathLength: 0) })) != nil)
        let hierarchy = try Hierarchy(
            root: { $0.extensions = TestExtension.authority(pathLength: 1) },
            authority: { $0.extensions = TestExtension.authority(pathLength: 0) })
        #expect(try code(of: hierarchy) == nil)
        let below = try hierarchy.authority.authority("Below", key: .generate(.ec(.p256)), from: Hierarchy.start)
        let leaf = try below.issue(
            CertificateDraft(subject: "Leaf", publicKey: hierarchy.leafKey.publicKey, from: Hierarchy.start))
        let path = [leaf, below.certificate] + hierarchy.path.dropFirst()
        #expect(try code(path, hierarchy.anchors) == "chain_not_trusted")
    }

    @Test("a leaf that issues a certificate itself gives no chain")
    func leafAsIssuer() throws {
        let hierarchy = try Hierarchy()
        let rogue = try hierarchy.authority.authority("Rogue", key: .generate(.ec(.p256)), from: Hierarchy.start) {
            $0.extensions = [.basicConstraints(isAuthority: false), .keyUsage(.digitalSignature)]
        }
        let forged = try rogue.issue(
            CertificateDraft(subject: "Forged", publicKey: hierarchy.leafKey.publicKey, from: Hierarchy.start))
        #expect(try code([forged, rogue.certificate] + hierarchy.path.dropFirst(), hierarchy.anchors) != nil)
    }

    @Test("what a leaf says about the use of its key is heeded")
    func leafUsage() throws {
        let agreeing = try Hierarchy(leaf: { $0.extensions = [.keyUsage(.keyAgreement)] })
        #expect(try code(agreeing.path, agreeing.anchors) == "chain_not_trusted")
        #expect(try code(agreeing.path, agreeing.anchors, usage: .keyAgreement) == nil)
        #expect(try code(agreeing.path, agreeing.anchors, usage: .any) == nil)
        let silent = try Hierarchy(leaf: { $0.extensions = [] })
        #expect(try code(silent.path, silent.anchors) == nil)
        #expect(try code(silent.path, silent.anchors, usage: .keyAgreement) == nil)
        #expect(try code(Hierarchy().path, Hierarchy().anchors, usage: .keyAgreement) == "chain_not_trusted")
    }

    @Test("a critical extension that is not known is refused anywhere in a path, one that is not critical is not")
    func criticalExtensions() throws {
        for isCritical in [true, false] {
            let add = { @Sendable (draft: inout CertificateDraft) in
                draft.extensions.append(TestExtension("1.3.6.1.4.1.99999.1", isCritical: isCritical, value: [5, 0]))
            }
            let expected = isCritical ? "chain_not_trusted" : nil
            #expect(try code(of: Hierarchy(leaf: add)) == expected)
            #expect(try code(of: Hierarchy(authority: add)) == expected)
        }
    }

    @Test("extensions that cannot be read are refused")
    func invalidExtensions() throws {
        for oid in ["2.5.29.19", "2.5.29.15", "2.5.29.35"] {
            let hierarchy = try Hierarchy(leaf: {
                $0.extensions = [TestExtension(oid, value: [0x30, 5, 1])]
            })
            #expect(try code(of: hierarchy) == "chain_not_trusted", "\(oid)")
        }
    }

    @Test(
        "each kind of signature verifies",
        arguments: [
            (TestKey.Kind.rsa(2048), SignatureAlgorithm.rsaPSS(.sha384)), (.rsa(2048), .rsaPSS(.sha256)),
            (.rsa(2048), .rsaPKCS1(.sha256)), (.rsa(3072), .rsaPKCS1(.sha512)), (.ec(.p256), .ecdsa(.sha256)),
            (.ec(.p384), .ecdsa(.sha384)), (.ec(.p521), .ecdsa(.sha512)),
            (.sm2, .sm2(userID: SignatureAlgorithm.sm2DefaultUserID)),
        ])
    func algorithms(kind: TestKey.Kind, algorithm: SignatureAlgorithm) throws {
        let hierarchy = try Hierarchy(kind, algorithm: algorithm)
        #expect(try code(of: hierarchy) == nil)
        let thief = try hierarchy.authority.impersonated(by: .generate(kind), algorithm: algorithm)
        let forged = try thief.issue(
            CertificateDraft(subject: "Leaf", publicKey: hierarchy.leafKey.publicKey, from: Hierarchy.start))
        #expect(try code([forged] + hierarchy.path.dropFirst(), hierarchy.anchors) == "chain_not_trusted")
    }

    @Test("SM2 certificates signed over another identity than the usual one are refused")
    func sm2Identity() throws {
        let hierarchy = try Hierarchy(.sm2, algorithm: .sm2(userID: Array("somebody".utf8)))
        #expect(try code(of: hierarchy) == "chain_not_trusted")
    }

    @Test("keys below 112 bits of security are refused")
    func weakKeys() throws {
        #expect(try code(of: Hierarchy(.rsa(1024))) == "chain_not_trusted")
        let weak = try TestKey.generate(.rsa(1024))
        #expect(try code(of: Hierarchy(leaf: { $0.publicKey = weak.publicKey })) == "chain_not_trusted")
    }

    @Test("serial number zero and the year 9999 are good")
    func oddities() throws {
        let last = try Real.date("9999-12-31T23:59:59Z")
        let hierarchy = try Hierarchy(
            root: { $0.notAfter = last }, authority: { $0.notAfter = last },
            leaf: {
                $0.serialNumber = [0]
                $0.notAfter = last
            })
        let chain = try hierarchy.verify(at: Real.date("9000-01-01T00:00:00Z"))
        #expect(chain.leaf.serialNumber == [0])
        #expect(chain.notAfter == last)
    }
}
