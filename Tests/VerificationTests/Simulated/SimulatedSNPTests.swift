import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification
import X509TestSupport

@Suite("Simulated SEV-SNP guests: twins signed again with one thing changed")
struct SimulatedSNPTests {
    private let amd: SimulatedAMD
    private let guest: SimulatedSNPGuest

    init() throws {
        amd = try Simulation.amd(.genoa)
        guest = try SimulatedSNPGuest(amd)
    }

    private func refusal(
        _ guest: SimulatedSNPGuest, of amd: SimulatedAMD? = nil,
        _ change: (inout SNPVerifier.Options) -> Void = { _ in }
    ) async throws -> String? {
        let amd = amd ?? self.amd
        var options = SNPVerifier.Options(anchors: amd.anchors)
        change(&options)
        return try await Simulation.refusal(
            of: guest.evidence(bound: Simulation.digest), by: SNPVerifier(options), amd.collateral())
    }

    @Test("a good guest is believed in every form", arguments: SimulatedSNPGuest.Form.all)
    func forms(_ form: SimulatedSNPGuest.Form) async throws {
        for product: SNPProduct in [.milan, .genoa, .turin] {
            for kind in SNPEndorsementKeyKind.allCases {
                let amd = try Simulation.amd(product)
                let guest = try SimulatedSNPGuest(amd, kind: kind)
                let claims = try await Simulation.claims(
                    of: guest.evidence(bound: Simulation.digest, form: form),
                    by: SNPVerifier(SNPVerifier.Options(anchors: amd.anchors)), amd.collateral())
                #expect(claims.claims["product"] == .string(product.rawValue))
                #expect(claims.claims["vek_type"] == .string(kind.rawValue.uppercased()))
                #expect(claims.claims["measurement"] == .string(Hex.encode(guest.report.measurement)))
                #expect(claims.chain.last == amd.root.certificate.der)
            }
        }
    }

    @Test("a guest without certificates is believed by the collateral of its chip")
    func chipCertificateFromCollateral() async throws {
        var bare = guest
        bare.certificate = nil
        let verifier = SNPVerifier(SNPVerifier.Options(anchors: amd.anchors))
        let evidence = try bare.evidence(bound: Simulation.digest)
        #expect(try await Simulation.refusal(of: evidence, by: verifier, amd.collateral(keys: [guest.key])) == nil)
        #expect(try await Simulation.refusal(of: evidence, by: verifier, amd.collateral()) == "collateral_unavailable")
    }

    @Test("A8: evidence for another nonce, a cut digest or a longer one is refused")
    func otherNonce() async throws {
        let verifier = SNPVerifier(SNPVerifier.Options(anchors: amd.anchors))
        let digest = Simulation.digest
        for other in [[UInt8](repeating: 0xD2, count: 48), Array(digest.prefix(32)), digest + [1], [1] + digest, []] {
            let evidence = try guest.evidence(bound: other)
            #expect(
                try await Simulation.refusal(of: evidence, by: verifier, amd.collateral()) == "report_data_mismatch")
        }
    }

    @Test("A10: a debug guest is refused, unless it is let in by name and says what it is")
    func debug() async throws {
        #expect(try await refusal(guest) == nil)
        let twin = guest.twin { $0.policy.insert(.debugAllowed) }
        #expect(try await refusal(twin) == "debug_enabled")
        var options = SNPVerifier.Options(anchors: amd.anchors)
        options.allowsDebug = true
        let claims = try await Simulation.claims(
            of: twin.evidence(bound: Simulation.digest), by: SNPVerifier(options), amd.collateral())
        #expect(claims.claims["policy_debug_allowed"] == true)
    }

    @Test(
        "A11: reports for software above level 0, or for the host, are refused", arguments: [1, 2, 3, .max] as [UInt32])
    func privilegeLevel(_ level: UInt32) async throws {
        #expect(try await refusal(guest.twin { $0.vmpl = level }) == "vmpl_not_allowed")
    }

    @Test("A11: every bit of the chip's identifier counts", arguments: [SNPProduct.milan, .genoa, .turin])
    func otherChip(_ product: SNPProduct) async throws {
        let amd = try Simulation.amd(product)
        let guest = try SimulatedSNPGuest(amd)
        #expect(try await refusal(guest, of: amd) == nil)
        for byte in [0, product.hardwareIDByteCount - 1] {
            #expect(try await refusal(guest.twin { $0.chipID[byte] ^= 0x80 }, of: amd) == "chip_id_mismatch")
        }
        let masked = guest.twin { $0.chipID = Array(repeating: 0, count: 64) }
        #expect(try await refusal(masked, of: amd) == "chip_id_masked")
        let maskedKey = guest.twin { $0.keyInfo = SNPKeyInfo(rawValue: $0.keyInfo.rawValue | 2) }
        #expect(try await refusal(maskedKey, of: amd) == "chip_key_masked")
    }

    @Test("A11: every component of the firmware must be the key's", arguments: [SNPProduct.milan, .genoa, .turin])
    func otherFirmware(_ product: SNPProduct) async throws {
        let amd = try Simulation.amd(product)
        let guest = try SimulatedSNPGuest(amd)
        var components: [(inout SNPTCBLevels) -> Void] = [
            { $0.bootloader -= 1 }, { $0.tee -= 1 }, { $0.snp -= 1 }, { $0.microcode -= 1 }, { $0.microcode += 1 },
        ]
        if product.hasFMC { components.append { $0.fmc = 0 } }
        for component in components {
            var levels = guest.key.draft.levels
            component(&levels)
            let twin = guest.twin { $0.reportedTCB = SNPTCB(levels, product: product) }
            #expect(try await refusal(twin, of: amd) == "tcb_mismatch")
        }
    }

    @Test("A11: a VLEK does not pass for a VCEK, nor the reverse", arguments: SNPEndorsementKeyKind.allCases)
    func otherKindOfKey(_ kind: SNPEndorsementKeyKind) async throws {
        let guest = try SimulatedSNPGuest(amd, kind: kind)
        let other: SNPEndorsementKeyKind = kind == .vcek ? .vlek : .vcek
        #expect(try await refusal(guest) == nil)
        #expect(try await refusal(guest.twin { $0.keyInfo = SNPKeyInfo(signer: other) }) == "signing_key_mismatch")
        var disguised = guest
        disguised.certificateKind = other
        #expect(try await refusal(disguised) == "signing_key_mismatch")
        var both = guest.twin { $0.keyInfo = SNPKeyInfo(signer: other) }
        both.certificateKind = other
        #expect(try await refusal(both) == "signing_key_mismatch")
        let misissued = try amd.endorsementKey(guest.key.draft, issuer: amd.issuer(of: other))
        #expect(try await refusal(SimulatedSNPGuest(misissued, product: .genoa)) == "chain_not_trusted")
    }

    @Test("a guest that may be migrated is refused")
    func migration() async throws {
        #expect(try await refusal(guest.twin { $0.policy.insert(.migrationAgentAllowed) }) == "migration_allowed")
    }

    @Test("A15: firmware below the site's minimum is refused")
    func minimumFirmware() async throws {
        var minimum = guest.key.draft.levels
        #expect(try await refusal(guest) { $0.minimumTCB = [.genoa: minimum] } == nil)
        minimum.snp += 1
        #expect(try await refusal(guest) { $0.minimumTCB = [.genoa: minimum] } == "tcb_below_minimum")
    }

    @Test("A16: host data must be the digest of the init-data document, whole")
    func initData() async throws {
        let wanted = [UInt8](repeating: 0x1D, count: 32)
        let verifier = SNPVerifier(SNPVerifier.Options(anchors: amd.anchors))
        for (field, code) in [
            (wanted, nil), (Array(repeating: 0, count: 32), "init_data_mismatch"),
            (Array(wanted.dropLast()) + [0], "init_data_mismatch"),
        ] as [([UInt8], String?)] {
            let evidence = try guest.twin { $0.hostData = field }.evidence(bound: Simulation.digest)
            #expect(
                try await Simulation.refusal(of: evidence, by: verifier, amd.collateral(), initDataDigest: wanted)
                    == code)
        }
    }

    @Test("a report that was changed after it was signed is refused")
    func changedAfterSigning() async throws {
        let verifier = SNPVerifier(SNPVerifier.Options(anchors: amd.anchors))
        let bytes = try guest.signedReport(bound: Simulation.digest)
        for offset in [0x30, 0x90, 0xC0, 0x1A0, 0x2A0, 0x2E8] {
            var changed = bytes
            changed[offset] ^= 1
            let content: JSONValue = [
                "report": .string(Base64.encode(changed)), "cert_table": .null,
            ]
            let code = try await Simulation.refusal(
                of: Evidence(tee: .snp, content: content), by: verifier,
                amd.collateral(keys: [guest.key, chipOf(changed)]))
            #expect(code == "signature_invalid")
        }
    }

    /// The certificate of the guest's key filed under the chip that a report names.
    private func chipOf(_ report: [UInt8]) throws -> SimulatedEndorsementKey {
        var draft = guest.key.draft
        draft.hardwareID = Array(report[0x1A0..<0x1E0])
        return try amd.endorsementKey(draft)
    }
}
