import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("SEV-SNP: the key that signed a report")
struct SNPKeyTests {
    private let guest: SNPGuest

    init() throws { guest = try SNPGuest() }

    @Test("A11: a certificate for another chip is refused, also when only one bit differs")
    func otherChip() async throws {
        #expect(try await guest.refusal { $0.chipID[63] ^= 1 } == "chip_id_mismatch")
        #expect(try await guest.refusal { $0.chipID[0] ^= 0x80 } == "chip_id_mismatch")
        let turin = try SNPGuest(.turin)
        #expect(try await turin.refusal { $0.chipID[7] ^= 1 } == "chip_id_mismatch")
        #expect(try await turin.refusal { $0.chipID[8] = 1 } == "chip_id_mismatch")
    }

    @Test("A11: a masked chip identifier is refused with the chip's key unless let in, and natural with a provider's")
    func maskedChip() async throws {
        let masked = { (report: inout SNPReport) in report.chipID = Array(repeating: 0, count: 64) }
        #expect(try await guest.refusal(nil, masked) == "chip_id_masked")
        #expect(try await guest.refusal(guest.options { $0.allowsMaskedChipID = true }, masked) == nil)
        #expect(try await SNPGuest(.genoa, kind: .vlek).refusal() == nil)
    }

    @Test("A11: nobody is asked for the certificate of a chip that the report does not name")
    func noRequestForMaskedChip() async throws {
        for guest in [guest, try SNPGuest(.turin)] {
            let asked = AskedCollateral()
            func refusal(_ options: SNPVerifier.Options, _ change: (inout SNPReport) -> Void) async throws -> String? {
                var report = guest.report
                change(&report)
                let content = rawEvidence(try report.signed(by: guest.key), certificate: nil, kind: .vcek)
                return await SNPVerifier(options).refusal(
                    content, binding: EvidenceBinding(reportData: [guest.digest]),
                    context: VerificationContext(clock: .fixed(guest.amd.now), collateral: asked))
            }
            let masked = { (report: inout SNPReport) in report.chipID = Array(repeating: 0, count: 64) }
            #expect(try await refusal(guest.options(), masked) == "chip_id_masked")
            let lenient = guest.options { $0.allowsMaskedChipID = true }
            #expect(try await refusal(lenient, masked) == "collateral_unavailable")
            #expect(asked.names.isEmpty)
            #expect(try await refusal(guest.options()) { _ in } == "collateral_unavailable")
            #expect(asked.names.count == 1)
        }
        let asked = AskedCollateral()
        let turin = try SNPGuest(.turin)
        var report = turin.report
        // The bytes that name a chip are zero, the others are not.
        report.chipID = Array(repeating: 0, count: 63) + [1]
        let content = rawEvidence(try report.signed(by: turin.key), certificate: nil, kind: .vcek)
        let code = await SNPVerifier(turin.options()).refusal(
            content, binding: EvidenceBinding(reportData: [turin.digest]),
            context: VerificationContext(clock: .fixed(turin.amd.now), collateral: asked))
        #expect(code == "chip_id_masked")
        #expect(asked.names.isEmpty)
    }

    @Test("A11: a VLEK does not pass for a VCEK, nor the reverse")
    func kinds() async throws {
        let vlek = try guest.amd.endorsementKey(.vlek, hardwareID: [], levels: guest.levels)
        #expect(try await guest.refusal(key: vlek) == "signing_key_mismatch")
        #expect(try await guest.refusal { $0.keyInfo = SNPKeyInfo(signer: .vlek) } == "signing_key_mismatch")
        // The other kind's certificate under the name of the wanted kind.
        #expect(try await guest.refusal(key: vlek, kind: .vcek) == "signing_key_mismatch")
        let issuedByOther = try guest.amd.endorsementKey(
            .vcek, hardwareID: guest.hardwareID, levels: guest.levels, issuer: guest.amd.providerAuthority)
        #expect(try await guest.refusal(key: issuedByOther) == "chain_not_trusted")
    }

    @Test("reports that no known key signed are refused")
    func signer() async throws {
        for number: UInt32 in 2...7 {
            let info = SNPKeyInfo(rawValue: number << 2)
            #expect(try await guest.refusal { $0.keyInfo = info } == "signing_key_unknown")
        }
        #expect(try await guest.refusal { $0.keyInfo = SNPKeyInfo(rawValue: 2) } == "chip_key_masked")
        #expect(try await guest.refusal { $0.keyInfo = SNPKeyInfo(rawValue: 1 << 5) } == "malformed_evidence")
        for algorithm: UInt32 in [0, 2, .max] {
            #expect(
                try await guest.refusal { $0.signatureAlgorithm = algorithm } == "unsupported_signature_algorithm")
        }
    }

    @Test("A11: levels in the certificate that differ from the reported ones are refused")
    func otherLevels() async throws {
        for change: (inout SNPTCBLevels) -> Void in [
            { $0.bootloader -= 1 }, { $0.tee += 1 }, { $0.snp += 1 }, { $0.microcode -= 1 },
        ] {
            var levels = guest.levels
            change(&levels)
            let key = try guest.amd.endorsementKey(.vcek, hardwareID: guest.hardwareID, levels: levels)
            #expect(try await guest.refusal(key: key) == "tcb_mismatch")
        }
        let turin = try SNPGuest(.turin)
        var levels = turin.levels
        levels.fmc = 0
        let key = try turin.amd.endorsementKey(.vcek, hardwareID: turin.hardwareID, levels: levels)
        #expect(try await turin.refusal(key: key) == "tcb_mismatch")
    }

    @Test("A15: firmware below the minimum is refused, at launch too where that is wanted")
    func minimumFirmware() async throws {
        var minimum = guest.levels
        func options(_ change: (inout SNPVerifier.Options) -> Void = { _ in }) throws -> SNPVerifier.Options {
            guest.options {
                $0.minimumTCB = [.genoa: minimum]
                change(&$0)
            }
        }
        #expect(try await guest.refusal(options()) == nil)
        minimum.microcode += 1
        #expect(try await guest.refusal(options()) == "tcb_below_minimum")
        minimum = guest.levels
        minimum.tee = 3
        #expect(try await guest.refusal(options()) == "tcb_below_minimum")
        #expect(try await guest.refusal(guest.options { $0.minimumTCB = [.milan: minimum] }) == nil)
        minimum = guest.levels
        var older = guest.levels
        older.snp -= 1
        let launch = SNPTCB(older, product: .genoa)
        #expect(
            try await guest.refusal(options { $0.requiresReportedTCBAtLaunch = false }) { $0.launchTCB = launch } == nil
        )
        #expect(
            try await guest.refusal(
                options {
                    $0.requiresReportedTCBAtLaunch = false
                    $0.appliesMinimumTCBToLaunch = true
                }
            ) { $0.launchTCB = launch } == "tcb_below_minimum")
    }

    @Test("firmware that contradicts itself is refused: reported, committed, current and at launch in their order")
    func inconsistentFirmware() async throws {
        var lower = guest.levels
        lower.microcode -= 1
        let older = SNPTCB(lower, product: .genoa)
        #expect(try await guest.refusal { $0.committedTCB = older } == "tcb_inconsistent")
        #expect(try await guest.refusal { $0.currentTCB = older } == "tcb_inconsistent")
        #expect(try await guest.refusal { $0.launchTCB = older } == "tcb_inconsistent")
        #expect(
            try await guest.refusal { $0.launchTCB = SNPTCB(rawValue: $0.launchTCB.rawValue | 1 << 20) }
                == "malformed_evidence")
    }

    @Test("A12: self-made authorities with AMD's names are refused, as is another product's")
    func lookAlikes() async throws {
        let impostor = try SNPGuest(SimulatedAMD(isImpostor: true))
        #expect(try await guest.refusal(key: impostor.key) == "chain_not_trusted")
        #expect(
            try await guest.refusal(.with { $0.revocation.coverage = .none }) == "chain_not_trusted")
        #expect(
            try await guest.refusal { $0.processor = SNPProcessor(family: 0x19, model: 1, stepping: 1) }
                == "product_not_allowed")
        let wrongName = try guest.amd.endorsementKey(
            .vcek, hardwareID: guest.hardwareID, levels: guest.levels, replacing: ["2": ASN1.ia5String("Milan-B0")])
        #expect(try await guest.refusal(key: wrongName) == "signing_key_mismatch")
    }

    @Test(
        "A12: an authority that does not say that it is one issues nothing",
        arguments: [
            [], [.basicConstraints(isAuthority: true)], [.keyUsage(.keyCertSign)],
            [.basicConstraints(isAuthority: false), .keyUsage(.keyCertSign)],
            [.basicConstraints(isAuthority: true), .keyUsage(.digitalSignature)],
        ] as [[TestExtension]])
    func noAuthority(_ change: [TestExtension]) async throws {
        let plain = try guest.amd.root.authority(
            "SEV-Genoa", key: TestKey.generate(.rsa(2048)), algorithm: .rsaPSS(.sha384),
            from: guest.amd.now.addingTimeInterval(-86_400)
        ) { $0.extensions = change }
        let root = PinnedAnchor(name: "root", certificate: guest.amd.root.certificate)
        let anchors = SNPTrustAnchors([
            .genoa: .init(
                root: root, chipAuthority: plain.certificate,
                providerAuthority: plain.certificate)
        ])
        let issued = try guest.amd.endorsementKey(
            .vcek, hardwareID: guest.hardwareID, levels: guest.levels, issuer: plain)
        #expect(try await guest.refusal(SNPVerifier.Options(anchors: anchors), key: issued) == "chain_not_trusted")
    }

    @Test("A12: certificates count within their validity only, also when they were seen before")
    func validity() async throws {
        #expect(try await guest.refusal(at: -90_000) == "certificate_not_yet_valid")
        #expect(try await guest.refusal(at: 90_000) == "certificate_expired")
        let vector = try SNPVector.named("genoa-v3-trustee-e2e")
        let verifier = SNPVerifier(.lenient)
        for (time, code): (String, String?) in [
            ("2025-06-26T00:00:00Z", nil), ("2032-05-27T17:57:03Z", nil),
            ("2032-05-27T17:57:04Z", "certificate_expired"),
            ("2025-05-27T17:57:02Z", "certificate_not_yet_valid"), ("2025-05-27T17:57:03Z", nil),
        ] {
            let context = VerificationContext(clock: .fixed(try Date(time, strategy: .iso8601)))
            #expect(
                await verifier.refusal(try vector.evidence(), binding: try vector.binding, context: context) == code)
        }
    }

    @Test("a provider's key is believed only for providers that are let in")
    func providers() async throws {
        let provided = try SNPGuest(.genoa, kind: .vlek)
        #expect(try await provided.refusal(provided.options { $0.providers = ["CN=cc-simulator.example.com"] }) == nil)
        #expect(
            try await provided.refusal(provided.options { $0.providers = ["CN=other.example"] })
                == "provider_not_allowed")
        #expect(try await provided.refusal(provided.options { $0.providers = [] }) == "provider_not_allowed")
        // It is about providers: a chip's own key belongs to none.
        #expect(try await guest.refusal(guest.options { $0.providers = [] }) == nil)
    }

    @Test("products that are not let in are refused, as are processors that nobody knows")
    func products() async throws {
        #expect(try await guest.refusal(guest.options { $0.products = [.genoa] }) == nil)
        #expect(try await guest.refusal(guest.options { $0.products = [.milan] }) == "product_not_allowed")
        #expect(
            try await guest.refusal { $0.processor = SNPProcessor(family: 0x19, model: 0x20, stepping: 0) }
                == "product_unknown")
        let venice = SNPProcessor(family: 0x1A, model: 0x50, stepping: 0)
        #expect(try await guest.refusal { $0.processor = venice } == "product_not_allowed")
    }

    @Test("reports of version 2 are believed for pinned products only, which their key's certificate must be of")
    func version2() async throws {
        let version2 = { (report: inout SNPReport) in
            report.version = 2
            report.processor = nil
        }
        #expect(try await guest.refusal(nil, version2) == "unsupported_version")
        #expect(
            try await guest.refusal(guest.options { $0.versions = [2, 3, 4, 5] }, version2) == "unsupported_version")
        #expect(try await guest.refusal(guest.options { $0.version2Products = [.genoa] }, version2) == nil)
        #expect(
            try await guest.refusal(guest.options { $0.version2Products = [.milan, .turin] }, version2)
                == "product_not_allowed")
        let stranger = try SimulatedAMD(.milan).endorsementKey(
            .vcek, hardwareID: guest.hardwareID, levels: guest.levels)
        #expect(
            try await guest.refusal(guest.options { $0.version2Products = [.genoa] }, key: stranger, version2)
                == "product_unknown")
        #expect(try await guest.refusal(guest.options { $0.versions = [3] }) == "unsupported_version")
    }
}
