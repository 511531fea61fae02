import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("DCAP: how platforms are rated")
struct DCAPPlatformTests {
    private let intel: IntelStandIn

    init() throws { intel = try IntelStandIn() }

    private func running(_ launched: [UInt8], _ current: [UInt8]? = nil) throws -> TrustDomainReport {
        let rest = [UInt8](repeating: 0, count: 13)
        let report = try TrustDomainReport.plain(is15: current != nil).replacing(.tcbSVN, launched + rest)
        return report.replacing(.currentTCBSVN, (current ?? []) + rest)
    }

    private func level(_ components: [Int64]? = nil, _ tdx: [Int64]? = nil, pce: Int64 = 11) -> JSONValue {
        IntelDocuments.level(.tdx, components: components, tdxComponents: tdx, pceSVN: pce, "UpToDate")
    }

    @Test("a chain that is written in many ways is remembered once, and refused where it is not read")
    func chainTexts() throws {
        let certificates = PlatformCertificates(anchors: intel.anchors)
        let text = String(decoding: try intel.quote(.plain()).signature.certificates, as: UTF8.self)
        let first = try certificates.certificate(Array(text.utf8), at: IntelStandIn.now)
        for blanks in 1..<50 {
            let variant = text.replacing("-----BEGIN", with: String(repeating: "\n", count: blanks) + "-----BEGIN")
            let known = try certificates.certificate(Array(variant.utf8), at: IntelStandIn.now)
            #expect(known.chain == first.chain)
        }
        let windows = text.replacing("\n", with: "\r\n")
        #expect(try certificates.certificate(Array(windows.utf8), at: IntelStandIn.now).chain == first.chain)
        #expect(certificates.rememberedTexts == 1)
        let late = IntelStandIn.now.addingTimeInterval(86_400 * 365 * 60)
        for variant in [text, windows] {
            #expect(throws: VerificationError.self) { try certificates.certificate(Array(variant.utf8), at: late) }
        }
    }

    @Test("A14: every status of Intel's but a revoked one is passed on to policies")
    func statuses() async throws {
        for status in TCBStatus.ofLevels {
            let outcome = try await intel.verdict(info: IntelDocuments.tcbInfo(.tdx, status: status.rawValue))
            #expect(outcome.word == (status == .revoked ? "tcb_revoked" : status.rawValue))
        }
        #expect(
            try await intel.verdict(info: IntelDocuments.tcbInfo(.tdx, status: "TDRelaunchAdvised")).code
                == "malformed_collateral")
    }

    @Test("the first level counts whose 16 components, PCE version and TDX components are all reached")
    func levels() async throws {
        let zeros = [Int64](repeating: 0, count: 8)
        #expect(try await intel.verdict(info: IntelDocuments.tcbInfo(.tdx, levels: [level()])).word == "UpToDate")
        let higher = [
            level(pce: 14), level([3, 3, 2, 2, 3, 1, 0, 6] + zeros), level(nil, [5, 0, 4] + zeros + zeros.prefix(5)),
        ]
        for one in higher {
            #expect(
                try await intel.verdict(info: IntelDocuments.tcbInfo(.tdx, levels: [one])).code == "tcb_unsupported")
        }
        var last = zeros
        last[7] = 1
        let component16 = level([3, 3, 2, 2, 3, 1, 0, 5] + last)
        #expect(
            try await intel.verdict(info: IntelDocuments.tcbInfo(.tdx, levels: [component16])).code == "tcb_unsupported"
        )
        #expect(try await intel.verdict(info: IntelDocuments.tcbInfo(.tdx, levels: [])).code == "tcb_unsupported")
    }

    @Test("the two versions of the TDX module count in the platform's levels only for major version 0")
    func skippedComponents() async throws {
        let info = IntelDocuments.tcbInfo(.tdx, levels: [level(nil, [5, 0, 3] + [Int64](repeating: 0, count: 13))])
        #expect(try await intel.verdict(running([4, 1, 3]), info: info).word == "UpToDate")
        #expect(try await intel.verdict(running([4, 0, 3]), info: info).code == "tcb_unsupported")
        #expect(try await intel.verdict(running([5, 0, 3]), info: info).word == "UpToDate")
    }

    @Test("the TDX module's major version is found by its hexadecimal number")
    func moduleIdentities() async throws {
        func info(_ id: String) -> JSONValue {
            IntelDocuments.tcbInfo(.tdx, ["tdxModuleIdentities": [IntelDocuments.identity(id, [(4, "UpToDate")])]])
        }
        #expect(try await intel.verdict(running([4, 0x10, 3]), info: info("TDX_10")).word == "UpToDate")
        #expect(try await intel.verdict(running([4, 0x10, 3]), info: info("TDX_16")).code == "tcb_unsupported")
        #expect(try await intel.verdict(running([4, 0x0A, 3]), info: info("TDX_0A")).word == "UpToDate")
        #expect(try await intel.verdict(running([4, 0x0A, 3]), info: info("TDX_10")).code == "tcb_unsupported")
        for id in ["TDX_1", "TDX_+1", "TDX_001", "TDX-01", "01"] {
            #expect(try await intel.verdict(info: info(id)).code == "malformed_collateral")
        }
    }

    @Test("a TDX module below all levels of its version is unknown, one that is out of date makes the platform so")
    func moduleLevels() async throws {
        #expect(try await intel.verdict(running([2, 1, 3])).word == "OutOfDate")
        #expect(try await intel.verdict(running([1, 1, 3])).code == "tcb_unsupported")
        let configuration = IntelDocuments.tcbInfo(.tdx, status: "ConfigurationAndSWHardeningNeeded")
        let outcome = try await intel.verdict(running([2, 1, 3]), info: configuration)
        #expect(outcome.word == "OutOfDateConfigurationNeeded")
        #expect(outcome.claims?["advisory_ids"] == ["INTEL-SA-02000"])
        let revoked = IntelDocuments.tcbInfo(
            .tdx, ["tdxModuleIdentities": [IntelDocuments.identity("TDX_01", [(4, "Revoked")])]])
        #expect(try await intel.verdict(info: revoked).code == "tcb_revoked")
    }

    @Test("what is out of date in the quoting enclave makes the platform so, and advisories are united")
    func quotingEnclaveLevels() async throws {
        func outcome(_ version: UInt8, info: JSONValue? = nil, _ levels: [(Int64, String)]) async throws -> DCAPOutcome
        {
            let quote = try intel.quote(
                .plain(), enclave: IntelStandIn.quotingEnclave(product: 2, version: version))
            return await intel.outcome(quote) {
                $0.items = try intel.items(info: info, identity: IntelDocuments.qeIdentity(.tdx, levels: levels))
            }
        }
        let levels: [(Int64, String)] = [(4, "UpToDate"), (2, "OutOfDate")]
        let platform = IntelDocuments.level(
            .tdx, pceSVN: 11, "SWHardeningNeeded", advisories: ["INTEL-SA-00289", "INTEL-SA-02000"])
        let info = IntelDocuments.tcbInfo(.tdx, levels: [platform])
        let old = try await outcome(3, info: info, levels)
        #expect(old.word == "OutOfDate")
        #expect(old.claims?["advisory_ids"] == ["INTEL-SA-00289", "INTEL-SA-02000"])
        #expect(try await outcome(5, levels).word == "UpToDate")
        #expect(try await outcome(1, levels).code == "tcb_unsupported")
        #expect(try await outcome(4, [(4, "Revoked")]).code == "tcb_revoked")
    }

    @Test("A14: a quoting enclave that is not Intel's is refused")
    func quotingEnclave() async throws {
        let good = try IntelStandIn.quotingEnclave(product: 2)
        let wrong: [EnclaveReport] = [
            good.replacing(.signerMeasurement, [UInt8](repeating: 0xDD, count: 32)),
            good.replacing(.productID, [1, 0]),
            good.replacing(.attributeFlags, [0x17, 0, 0, 0, 0, 0, 0, 0]), good.replacing(.miscSelect, [1, 0, 0, 0]),
        ]
        for enclave in wrong {
            #expect(await intel.outcome(try intel.quote(.plain(), enclave: enclave)).code == "qe_identity_mismatch")
        }
        // The mask leaves the features free, and one bit of the flags.
        let free = good.replacing(.attributeFeatures, [0xE7, 0, 0, 0, 0, 0, 0, 0])
        #expect(await intel.outcome(try intel.quote(.plain(), enclave: free)).word == "UpToDate")
        let vendor = try intel.quote(.plain()) { $0[12] ^= 1 }
        #expect(await intel.outcome(vendor).code == "qe_identity_mismatch")
    }

    @Test("a trust domain started under something out of date that was updated since is advised to be relaunched")
    func relaunch() async throws {
        #expect(try await intel.verdict(running([2, 1, 3], [4, 1, 3])).word == "TDRelaunchAdvised")
        let configuration = IntelDocuments.tcbInfo(.tdx, status: "ConfigurationNeeded")
        #expect(
            try await intel.verdict(running([2, 1, 3], [4, 1, 3]), info: configuration).word
                == "TDRelaunchAdvisedConfigurationNeeded")
        let still = try await intel.verdict(running([2, 1, 3], [3, 1, 3]))
        #expect(still.word == "OutOfDate")
        let backwards = try await intel.verdict(running([4, 1, 3], [2, 1, 3]))
        #expect(backwards.word == "UpToDate")
        #expect(backwards.claims?["tcb_status_current"] == "OutOfDate")
        #expect(backwards.claims?["advisory_ids_current"] == ["INTEL-SA-02000"])
        #expect(try await intel.verdict(running([4, 1, 3], [1, 1, 3])).code == "tcb_unsupported")
        // The platform itself is out of date, so another launch would not help.
        let old = IntelDocuments.tcbInfo(.tdx, status: "OutOfDate")
        #expect(try await intel.verdict(running([2, 1, 3], [4, 1, 3]), info: old).word == "OutOfDate")
    }

    @Test("the statuses of parts converge as Intel's do")
    func convergence() {
        let table: [(TCBStatus, TCBStatus, TCBStatus)] = [
            (.upToDate, .upToDate, .upToDate), (.upToDate, .outOfDate, .outOfDate),
            (.softwareHardeningNeeded, .outOfDate, .outOfDate),
            (.configurationNeeded, .outOfDate, .outOfDateConfigurationNeeded),
            (.configurationAndSoftwareHardeningNeeded, .outOfDate, .outOfDateConfigurationNeeded),
            (.outOfDate, .upToDate, .outOfDate),
            (.outOfDateConfigurationNeeded, .outOfDate, .outOfDateConfigurationNeeded),
            (.configurationNeeded, .upToDate, .configurationNeeded), (.upToDate, .revoked, .revoked),
            (.revoked, .upToDate, .revoked), (.outOfDate, .revoked, .revoked),
        ]
        for (platform, part, expected) in table { #expect(platform.converged(with: part) == expected) }
    }
}
