import Foundation
import Testing
import X509TestSupport
import X509Trust

@Suite("A13: revocation lists that tell nothing")
struct RevocationTests {
    private let day: TimeInterval = 86_400

    private func statuses(
        _ hierarchy: Hierarchy, _ lists: [RevocationList], at date: Date = Hierarchy.now, grace: Duration = .zero
    ) throws -> [String] {
        try ChainRevocation(chain: hierarchy.verify(), lists: lists).statuses(at: date, grace: grace).map(\.word)
    }

    private func code(
        _ hierarchy: Hierarchy, _ lists: [RevocationList], _ policy: RevocationPolicy = RevocationPolicy(),
        at date: Date = Hierarchy.now
    ) throws -> String? {
        try refusal {
            try policy.check(ChainRevocation(chain: hierarchy.verify(), lists: lists), at: date)
        }
    }

    @Test("fresh lists of every issuer that name nobody make a chain good")
    func good() throws {
        let hierarchy = try Hierarchy()
        let lists = try [hierarchy.list(), hierarchy.list(by: hierarchy.root)]
        #expect(try statuses(hierarchy, lists) == ["good", "good"])
        #expect(try statuses(hierarchy, lists.reversed()) == ["good", "good"])
        #expect(try code(hierarchy, lists) == nil)
    }

    @Test("a list that names the leaf or the authority revokes it, whatever the policy")
    func revoked() throws {
        let hierarchy = try Hierarchy()
        let good = try [hierarchy.list(), hierarchy.list(by: hierarchy.root)]
        let naming = { (issuer: TestIssuer, serial: [UInt8]) in
            try hierarchy.list(by: issuer) {
                $0.entries = [.init([9], at: $0.thisUpdate), .init(serial, at: $0.thisUpdate)]
            }
        }
        let leaf = try naming(hierarchy.authority, [3])
        let authority = try naming(hierarchy.root, [2])
        #expect(try statuses(hierarchy, good + [leaf]) == ["revoked", "good"])
        #expect(try statuses(hierarchy, good + [authority]) == ["good", "revoked"])
        for coverage in RevocationPolicy.Coverage.allCases {
            let policy = RevocationPolicy(coverage: coverage)
            #expect(try code(hierarchy, good + [leaf], policy) == "revoked")
            #expect(try code(hierarchy, good + [authority], policy) == "revoked")
        }
        // The same numbers on the list of the other issuer mean other certificates.
        #expect(try statuses(hierarchy, good + [naming(hierarchy.root, [3])]) == ["good", "good"])
        #expect(try statuses(hierarchy, good + [naming(hierarchy.authority, [2])]) == ["good", "good"])
    }

    @Test("who was once named stays revoked, also by a list that is stale or of the future")
    func onceRevoked() throws {
        let hierarchy = try Hierarchy()
        let naming = try hierarchy.list { $0.entries = [.init([3], at: $0.thisUpdate)] }
        let fresh = try hierarchy.list {
            $0.thisUpdate += 50 * day
            $0.nextUpdate = $0.thisUpdate + 100 * day
        }
        #expect(try statuses(hierarchy, [naming, fresh], at: Hierarchy.start + 60 * day)[0] == "revoked")
        #expect(try statuses(hierarchy, [naming], at: Hierarchy.start - day)[0] == "revoked")
    }

    @Test("without a list nothing is known, and by default that is refused")
    func missing() throws {
        let hierarchy = try Hierarchy()
        let ofAuthority = try hierarchy.list()
        let ofRoot = try hierarchy.list(by: hierarchy.root)
        #expect(try statuses(hierarchy, []) == ["no_list", "no_list"])
        #expect(try code(hierarchy, []) == "revocation_unknown")
        #expect(try code(hierarchy, [ofAuthority]) == "revocation_unknown")
        #expect(try code(hierarchy, [ofRoot]) == "revocation_unknown")
        #expect(try code(hierarchy, [ofRoot], RevocationPolicy(coverage: .issuersOnly)) == nil)
        #expect(try code(hierarchy, [ofAuthority], RevocationPolicy(coverage: .issuersOnly)) == "revocation_unknown")
        #expect(try code(hierarchy, [], RevocationPolicy(coverage: .none)) == nil)
    }

    @Test("a stale list makes nothing good beyond the grace that is granted")
    func stale() throws {
        let hierarchy = try Hierarchy()
        let list = try hierarchy.list()
        let due = try #require(list.nextUpdate)
        #expect(try statuses(hierarchy, [list], at: due)[0] == "good")
        #expect(try statuses(hierarchy, [list], at: due + 1)[0] == "stale")
        let grace = Duration.seconds(2 * day)
        #expect(try statuses(hierarchy, [list], at: due, grace: grace)[0] == "good")
        #expect(try statuses(hierarchy, [list], at: due + 2 * day, grace: grace)[0] == "within_grace")
        #expect(try statuses(hierarchy, [list], at: due + 2 * day + 1, grace: grace)[0] == "stale")
        let lists = try [list, hierarchy.list(by: hierarchy.root)]
        #expect(try code(hierarchy, lists, at: due + day) == "revocation_unknown")
        #expect(try code(hierarchy, lists, RevocationPolicy(grace: grace), at: due + day) == nil)
    }

    @Test("a list of the future and one without end make nothing good")
    func futureAndUnbounded() throws {
        let hierarchy = try Hierarchy()
        let list = try hierarchy.list()
        #expect(try statuses(hierarchy, [list], at: list.thisUpdate)[0] == "good")
        #expect(try statuses(hierarchy, [list], at: list.thisUpdate - 1, grace: .seconds(9999))[0] == "future")
        let unbounded = try hierarchy.list { $0.nextUpdate = nil }
        #expect(unbounded.nextUpdate == nil)
        #expect(try statuses(hierarchy, [unbounded], grace: .seconds(day))[0] == "unbounded")
        #expect(try statuses(hierarchy, [unbounded, list])[0] == "good")
    }

    @Test("a list of another issuer, of a thief of the name, and one whose signature is cut off make nothing good")
    func foreign() throws {
        let hierarchy = try Hierarchy()
        let other = try Hierarchy()
        let thief = try hierarchy.authority.impersonated(by: .generate(.ec(.p256)))
        let lists = try [
            hierarchy.list(by: hierarchy.root), other.list(), hierarchy.list(by: thief),
        ]
        #expect(try statuses(hierarchy, lists)[0] == "no_list")
        // A thief can revoke nothing either.
        let naming = try hierarchy.list(by: thief) { $0.entries = [.init([3], at: $0.thisUpdate)] }
        #expect(try statuses(hierarchy, [hierarchy.list(), naming])[0] == "good")

        let der = try hierarchy.list().der
        #expect(try refusal { _ = try RevocationList(der: Array(der.dropLast())) } == "malformed_revocation_list")
        let outer = try #require(DER.first(der[...])?.content)
        let content = try #require(DER.first(outer)?.element)
        let unsigned = ASN1.sequence(
            Array(content), ASN1.algorithm(.ecdsa(.sha256)), ASN1.bitString([]))
        let list = try RevocationList(der: unsigned)
        #expect(
            try refusal { try list.verify(issuer: hierarchy.authority.certificate) } == "revocation_list_not_trusted")
        #expect(try statuses(hierarchy, [list])[0] == "no_list")
    }

    @Test("an issuer whose key is not for lists makes none")
    func usage() throws {
        let hierarchy = try Hierarchy(authority: {
            $0.extensions = [.basicConstraints(isAuthority: true), .keyUsage(.keyCertSign)]
        })
        #expect(try statuses(hierarchy, [hierarchy.list()])[0] == "no_list")
    }

    @Test(
        "a list is verified with each algorithm, and an algorithm outside that is not the one inside is refused",
        arguments: [
            (TestKey.Kind.rsa(2048), SignatureAlgorithm.rsaPSS(.sha384)), (.rsa(2048), .rsaPKCS1(.sha256)),
            (.ec(.p256), .ecdsa(.sha256)), (.ec(.p384), .ecdsa(.sha384)),
            (.sm2, .sm2(userID: SignatureAlgorithm.sm2DefaultUserID)),
        ])
    func algorithms(kind: TestKey.Kind, algorithm: SignatureAlgorithm) throws {
        let hierarchy = try Hierarchy(kind, algorithm: algorithm)
        let list = try hierarchy.list()
        #expect(throws: Never.self) { try list.verify(issuer: hierarchy.authority.certificate) }
        #expect(list.isSigned(by: hierarchy.authority.key.publicKey))
        #expect(!list.isSigned(by: hierarchy.root.key.publicKey))

        let outer = try #require(DER.first(list.der[...])?.content)
        let content = try #require(DER.first(outer)?.element)
        let name = try #require(DER.first(outer[content.endIndex...])?.element)
        let signature = outer[name.endIndex...]
        for other in [SignatureAlgorithm.rsaPKCS1(.sha512), .ecdsa(.sha512), .rsaPSS(.sha256)] {
            let swapped = try RevocationList(
                der: ASN1.sequence(Array(content), ASN1.algorithm(other), Array(signature)))
            #expect(!swapped.isSigned(by: hierarchy.authority.key.publicKey))
        }
    }

    @Test("an unreasonable number of lists is refused")
    func tooMany() throws {
        let hierarchy = try Hierarchy()
        let lists = try Array(repeating: hierarchy.list(), count: 65)
        #expect(try code(hierarchy, lists) == "too_many_revocation_lists")
    }
}
