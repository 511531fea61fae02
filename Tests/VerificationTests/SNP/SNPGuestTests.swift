import Encodings
import EvidenceSimulator
import RATS
import Testing

@testable import Verification

@Suite("SEV-SNP: what a report says of its guest")
struct SNPGuestTests {
    private let guest: SNPGuest

    init() throws { guest = try SNPGuest() }

    @Test("a good guest is believed, on every kind of processor and by every kind of key")
    func good() async throws {
        #expect(try await guest.refusal() == nil)
        #expect(try await SNPGuest(.turin).refusal() == nil)
        #expect(try await SNPGuest(.genoa, kind: .vlek).refusal() == nil)
    }

    @Test("A10: a guest that the host may debug is refused unless the site says otherwise, and then it is said")
    func debug() async throws {
        #expect(try await guest.refusal { $0.policy.insert(.debugAllowed) } == "debug_enabled")
        let open = guest.options { $0.allowsDebug = true }
        #expect(try await guest.refusal(open) { $0.policy.insert(.debugAllowed) } == nil)
        var report = guest.report
        report.policy.insert(.debugAllowed)
        let claims = try await SNPVerifier(open).verify(
            Evidence(
                tee: .snp,
                content: rawEvidence(report.signed(by: guest.key), certificate: guest.key.certificate, kind: .vcek)),
            binding: EvidenceBinding(reportData: [guest.digest]),
            context: VerificationContext(clock: .fixed(guest.amd.now), collateral: guest.collateral()))
        #expect(claims[0].claims["policy_debug_allowed"] == true)
    }

    @Test("a guest that a migration agent may export is refused unless the site says otherwise")
    func migration() async throws {
        #expect(try await guest.refusal { $0.policy.insert(.migrationAgentAllowed) } == "migration_allowed")
        let open = guest.options { $0.allowsMigration = true }
        #expect(try await guest.refusal(open) { $0.policy.insert(.migrationAgentAllowed) } == nil)
    }

    @Test("A11: reports for other privilege levels than allowed are refused, and those for the host always")
    func privilege() async throws {
        for level: UInt32 in 1...3 { #expect(try await guest.refusal { $0.vmpl = level } == "vmpl_not_allowed") }
        let open = guest.options { $0.vmpls = [0, 2, 4, .max] }
        #expect(try await guest.refusal(open) { $0.vmpl = 2 } == nil)
        for level: UInt32 in [1, 3, 4, .max] {
            #expect(try await guest.refusal(open) { $0.vmpl = level } == "vmpl_not_allowed")
        }
    }

    @Test("bits of the platform information that nobody knows are a claim and a finding, and do not count as anything")
    func platformBits() async throws {
        let known: UInt64 = 0b1011_1111
        for bit in 0..<64 {
            var report = guest.report
            report.platformInfo = SNPPlatformInfo(rawValue: 1 << UInt64(bit))
            let results = try await SNPVerifier(guest.options()).verify(
                Evidence(
                    tee: .snp,
                    content: rawEvidence(report.signed(by: guest.key), certificate: guest.key.certificate, kind: .vcek)),
                binding: EvidenceBinding(reportData: [guest.digest]),
                context: VerificationContext(clock: .fixed(guest.amd.now), collateral: guest.collateral()))
            let isKnown = known >> UInt64(bit) & 1 == 1
            #expect(results[0].claims["platform_info"]?.uintValue == 1 << UInt64(bit))
            #expect(results[0].claims["platform_unknown_bits"] == .bool(!isKnown))
            #expect(results[0].steps.contains { $0.name == "platform information" } == !isKnown)
        }
    }

    @Test("a guest policy without its constant bit, or with bits that nobody knows, is refused")
    func policyBits() async throws {
        #expect(try await guest.refusal { $0.policy.remove(.mustBeOne) } == "guest_policy_invalid")
        for bit in 26..<64 {
            let unknown = SNPGuestPolicy(rawValue: 1 << UInt64(bit))
            #expect(try await guest.refusal { $0.policy.insert(unknown) } == "malformed_evidence")
        }
    }

    @Test("a minimum of the firmware interface holds for the guest's policy")
    func interface() async throws {
        let options = guest.options { $0.minimumABI = SNPInterfaceVersion(major: 1, minor: 31) }
        for (policy, code): (UInt64, String?) in [
            (0x000, "abi_below_minimum"), (0x01E, "abi_below_minimum"), (0x11E, "abi_below_minimum"), (0x11F, nil),
            (0x200, nil),
        ] {
            let bits = SNPGuestPolicy(rawValue: policy)
            #expect(try await guest.refusal(options) { $0.policy.formUnion(bits) } == code)
        }
    }

    @Test("hyper-threading against the guest's policy is refused")
    func hyperThreading() async throws {
        #expect(try await guest.refusal { $0.policy.remove(.smtAllowed) } == "smt_mismatch")
        #expect(
            try await guest.refusal {
                $0.policy.remove(.smtAllowed)
                $0.platformInfo.remove(.smtEnabled)
            } == nil)
    }

    @Test("BadRAM and others: what the machine must have switched on is demanded")
    func platform() async throws {
        let options = guest.options { $0.requiredPlatform = [.aliasCheckComplete, .ciphertextHiding] }
        #expect(try await guest.refusal(options) == "platform_requirement_missing")
        #expect(try await guest.refusal(options) { $0.platformInfo.insert(.ciphertextHiding) } == nil)
        #expect(
            try await guest.refusal(options) {
                $0.platformInfo = [.ciphertextHiding, .smtEnabled]
            } == "platform_requirement_missing")
    }

    @Test("an ID block means something only by the keys that signed it")
    func idBlock() async throws {
        let key = [UInt8](repeating: 1, count: 48)
        let author = [UInt8](repeating: 2, count: 48)
        let image = [UInt8](repeating: 3, count: 16)
        func code(_ wanted: SNPIDBlockRequirement, _ change: (inout SNPReport) -> Void) async throws -> String? {
            try await guest.refusal(guest.options { $0.idBlock = wanted }, change)
        }
        let byKey = SNPIDBlockRequirement(idKeyDigests: [key], minimumGuestSVN: 5, imageIDs: [image])
        let good = { (report: inout SNPReport) in
            report.idKeyDigest = key
            report.guestSVN = 5
            report.imageID = image
        }
        #expect(try await code(byKey, good) == nil)
        #expect(try await code(byKey) { _ in } == "id_block_not_allowed")
        #expect(
            try await code(byKey) {
                good(&$0)
                $0.idKeyDigest = author
            } == "id_block_not_allowed")
        #expect(
            try await code(byKey) {
                good(&$0)
                $0.guestSVN = 4
            } == "guest_svn_below_minimum")
        #expect(
            try await code(byKey) {
                good(&$0)
                $0.imageID[0] = 9
            } == "id_block_not_allowed")

        let byAuthor = SNPIDBlockRequirement(authorKeyDigests: [author])
        let certified = { (report: inout SNPReport) in
            report.idKeyDigest = key
            report.authorKeyDigest = author
            report.keyInfo = SNPKeyInfo(rawValue: 1)
        }
        #expect(try await code(byAuthor, certified) == nil)
        #expect(
            try await code(byAuthor) {
                certified(&$0)
                $0.keyInfo = SNPKeyInfo(signer: .vcek)
            } == "id_block_not_allowed")
        #expect(try await code(SNPIDBlockRequirement(idKeyDigests: []), good) == "id_block_not_allowed")
    }

    @Test("report data fills its whole field: prefixes, longer digests and other endings are refused")
    func reportData() async throws {
        for index in [0, 47, 48, 63] {
            #expect(try await guest.refusal { $0.reportData[index] ^= 1 } == "report_data_mismatch")
        }
        #expect(try await guest.refusal { $0.reportData = Array(repeating: 0, count: 64) } == "report_data_mismatch")
        let content = rawEvidence(
            try guest.report.signed(by: guest.key), certificate: guest.key.certificate, kind: .vcek)
        let context = VerificationContext(clock: .fixed(guest.amd.now), collateral: try guest.collateral())
        for candidates in [
            [], [[]], [guest.digest + [UInt8](repeating: 0, count: 17)], [Array(guest.digest.dropLast())],
        ] {
            let binding = EvidenceBinding(reportData: candidates)
            #expect(
                await SNPVerifier(guest.options()).refusal(content, binding: binding, context: context)
                    == "report_data_mismatch")
        }
    }

    @Test("A16: init-data must be what HOST_DATA holds, of the right length and algorithm")
    func initData() async throws {
        let sha256 = [UInt8](repeating: 0xA5, count: 32)
        let sha384 = [UInt8](repeating: 0x5A, count: 48)
        #expect(try await guest.refusal(initDataDigest: sha256) { $0.hostData = sha256 } == nil)
        #expect(try await guest.refusal(initDataDigest: sha384) { $0.hostData = Array(sha384.prefix(32)) } == nil)
        #expect(try await guest.refusal(initDataDigest: sha256) == "init_data_mismatch")
        #expect(
            try await guest.refusal(initDataDigest: Array(sha256.dropLast())) { $0.hostData = sha256 }
                == "init_data_mismatch")
        #expect(try await guest.refusal(initDataDigest: []) { $0.hostData = sha256 } == "init_data_mismatch")
        #expect(
            try await guest.refusal(initDataDigest: sha384) { $0.hostData = sha256 } == "init_data_mismatch")
        #expect(try await guest.refusal { $0.hostData = sha256 } == nil)
    }
}
