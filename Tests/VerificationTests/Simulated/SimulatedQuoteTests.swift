import Crypto
import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification
import X509TestSupport
import X509Trust

@Suite("Simulated quotes: the platform and its quoting enclave")
struct SimulatedQuoteTests {
    private let site: SimulatedIntelSite

    init() throws { site = try SimulatedIntelSite() }

    private func platform(_ change: (inout SimulatedPlatform) -> Void) -> SimulatedPlatform {
        var platform = site.platform
        change(&platform)
        return platform
    }

    @Test("A14: a quote that names another vendor of quoting enclaves is refused")
    func vendor() async throws {
        var domain = try SimulatedTrustDomain(on: site.platform)
        domain.header = domain.header.replacing(.vendorID, with: Array(repeating: 7, count: 16))
        #expect(try await site.refusal(domain) == "qe_identity_mismatch")
        var enclave = try SimulatedEnclave(on: site.platform)
        #expect(try await site.refusal(enclave) == nil)
        enclave.header = enclave.header.replacing(.vendorID, with: Array(repeating: 7, count: 16))
        #expect(try await site.refusal(enclave) == "qe_identity_mismatch")
    }

    @Test("A14: another enclave than Intel's quoting enclave is refused, and so is its debug build")
    func quotingEnclave() async throws {
        for (field, value): (EnclaveReport.Field, [UInt8]) in [
            (.signerMeasurement, [1]), (.attributeFlags, [0x17]), (.productID, [3, 0]), (.miscSelect, [1]),
        ] {
            let twin = site.platform.twin(field, value)
            #expect(try await site.refusal(on: twin) == "qe_identity_mismatch", "\(field)")
            #expect(try await site.refusal(SimulatedEnclave(on: twin)) == "qe_identity_mismatch", "\(field)")
        }
        #expect(try await site.refusal(on: site.platform.twin(.securityVersion, [3, 0])) == "tcb_unsupported")
    }

    @Test("A14: a key that the quoting enclave did not make, or that another platform vouches for, is refused")
    func attestationKey() async throws {
        let other = P256.Signing.PrivateKey().publicKey
        #expect(try await site.refusal(on: platform { $0.boundKey = other }) == "key_not_bound")
        let stranger = try site.intel.platform()
        #expect(try await site.refusal(on: platform { $0.chain = stranger.chain }) == "signature_invalid")
    }

    @Test("A12: authorities that copy every name and number of Intel's are not Intel's")
    func lookAlikes() async throws {
        let impostor = try SimulatedIntel(at: Simulation.now)
        let twin = try impostor.platform()
        #expect(impostor.root.certificate.subject == site.intel.root.certificate.subject)
        #expect(try await site.refusal(on: twin) == "chain_not_trusted")
        // Its chain with the genuine root in the end.
        var mended = twin
        mended.chain[2] = site.intel.root.certificate.der
        #expect(try await site.refusal(on: mended) == "chain_not_trusted")
        #expect(
            try await site.refusal(on: nil, site.options { $0.anchors = PinnedAnchor.intel }) == "chain_not_trusted")
    }

    @Test("A12: a certificate of Intel's that is no platform's vouches for no platform")
    func otherCertificate() async throws {
        let twin = try site.intel.platform { $0.subject = "Intel SGX TCB Signing" }
        #expect(try await site.refusal(on: twin) == "chain_not_trusted")
        let fromRoot = try site.intel.platform(issuer: site.intel.root)
        #expect(try await site.refusal(on: fromRoot) == "chain_not_trusted")
    }

    @Test("A12: an intermediate that may not issue certificates issues none", arguments: [true, false])
    func intermediateWithoutRights(_ isAuthority: Bool) async throws {
        let plain = try site.intel.root.authority(
            site.intel.platformAuthority.name, key: .generate(.ec(.p256)),
            from: Simulation.now.addingTimeInterval(-86_400)
        ) {
            $0.extensions = [.basicConstraints(isAuthority: isAuthority), .keyUsage(.digitalSignature, .crlSign)]
        }
        #expect(try await site.refusal(on: site.intel.platform(issuer: plain)) == "chain_not_trusted")
    }

    @Test("A12: a platform's certificate counts only while it is valid")
    func validity() async throws {
        let expired = try site.intel.platform { $0.notAfter = Simulation.now.addingTimeInterval(-1) }
        #expect(try await site.refusal(on: expired) == "certificate_expired")
        let early = try site.intel.platform { $0.notBefore = Simulation.now.addingTimeInterval(1) }
        #expect(try await site.refusal(on: early) == "certificate_not_yet_valid")
    }

    @Test("A13: a platform, its authority or the signer of documents that is revoked is refused")
    func revoked() async throws {
        func entry(_ serialNumber: [UInt8]) -> RevocationListDraft.Entry {
            RevocationListDraft.Entry(serialNumber, at: Simulation.now.addingTimeInterval(-60))
        }
        let platform = entry(site.platform.draft.serialNumber)
        #expect(try await site.refusal { $0.platformList.entries = [platform] } == "revoked")
        for issuer in [site.intel.platformAuthority, site.intel.documentSigner] {
            let entry = entry(issuer.certificate.serialNumber)
            #expect(try await site.refusal { $0.rootList.entries = [entry] } == "revoked")
        }
        let others = [entry([0x77]), entry(site.intel.processorAuthority.certificate.serialNumber)]
        #expect(
            try await site.refusal {
                $0.platformList.entries = others
                $0.rootList.entries = others
            } == nil)
    }

    @Test("A13: a list that proves nothing leaves unknown what is revoked", arguments: UselessList.allCases)
    func uselessLists(_ kind: UselessList) async throws {
        let thief = try TestKey.generate(.ec(.p256))
        let (root, authority) = (site.intel.root, site.intel.platformAuthority)
        let forRoot = try kind.make(issuer: root, impostor: root.impersonated(by: thief), site.collateral.rootList)
        let forPlatforms = try kind.make(
            issuer: authority, impostor: authority.impersonated(by: thief), site.collateral.platformList)
        var (first, second) = (site.collateral, site.collateral)
        (first.rootListSigner, first.rootList) = forRoot
        (second.platformListSigner, second.platformList) = forPlatforms
        var spoiled = [try first.items(), try second.items()]
        for (index, name) in [CollateralName.intelRootRevocationList, .intelPCKRevocationList(.platform)].enumerated() {
            let item = try #require(spoiled[index][name])
            spoiled[index][name] = CollateralItem(body: kind.spoil(item.body), issuerChain: item.issuerChain)
        }
        let evidence = try SimulatedTrustDomain(on: site.platform).evidence(bound: Simulation.digest)
        for items in spoiled {
            let verifier = TDXVerifier(options: .init(collateral: site.options()))
            #expect(try await Simulation.refusal(of: evidence, by: verifier, items) == "revocation_unknown")
        }
    }
}
