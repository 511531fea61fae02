import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("DCAP: what attesters may be")
struct DCAPAttesterTests {
    private let intel: IntelStandIn

    init() throws { intel = try IntelStandIn() }

    private func enclave(_ flags: UInt8 = 0x05) throws -> EnclaveReport {
        try IntelStandIn.quotingEnclave(product: 0).replacing(.attributeFlags, [flags, 0, 0, 0, 0, 0, 0, 0])
            .replacing(.reportData, Array(1...64))
    }

    @Test("plain trust domains of TDX 1.0 and 1.5 and plain enclaves are believed")
    func plain() async throws {
        for is15 in [false, true] {
            let outcome = try await intel.outcome(intel.quote(.plain(is15: is15)))
            #expect(outcome.word == "UpToDate")
            #expect(outcome.claims?["tcb_status_current"]?.stringValue == (is15 ? "UpToDate" : nil))
            #expect(outcome.result?.matchedReportData == 0)
            #expect(outcome.result?.chain.count == 3)
            #expect(outcome.result?.chain.last == intel.root.certificate.der)
            #expect(outcome.result?.steps.first { $0.outcome == .skipped }?.name == "init-data")
        }
        let outcome = try await intel.outcome(intel.quote(enclave()))
        #expect(outcome.word == "UpToDate")
        #expect(outcome.claims?["body"]?["attributes.flags"] == "0500000000000000")
    }

    @Test("A10: debugging is refused, and where an option allows it the claims say so")
    func debug() async throws {
        let domain = try intel.quote(.plain().allowing(.debug))
        #expect(await intel.outcome(domain).code == "debug_enabled")
        let allowed = await intel.outcome(domain) { $0.rules.allowsDebug = true }
        #expect(allowed.claims?["td_attributes"]?["debug"] == true)
        let quote = try intel.quote(enclave(0x07))
        #expect(await intel.outcome(quote).code == "debug_enabled")
        let other = await intel.outcome(quote) { $0.allowsDebug = true }
        #expect(other.claims?["body"]?["attributes.flags"] == "0700000000000000")
    }

    @Test("an enclave with the provisioning key is refused unless an option allows it")
    func provisioningKey() async throws {
        let quote = try intel.quote(enclave(0x15))
        #expect(await intel.outcome(quote).code == "provisioning_key_enabled")
        #expect(await intel.outcome(quote) { $0.allowsProvisioningKey = true }.word == "UpToDate")
    }

    @Test("a trust domain that may be migrated must be bound to a service trust domain that was named")
    func migration() async throws {
        let service = [UInt8](repeating: 0x5E, count: 48)
        let bound = try TrustDomainReport.plain(is15: true).replacing(.serviceTD, service)
        #expect(await intel.outcome(try intel.quote(.plain().allowing(.migratable))).code == "migration_allowed")
        #expect(await intel.outcome(try intel.quote(bound)).code == "service_td_not_allowed")
        let migratable = try intel.quote(bound.allowing(.migratable))
        #expect(await intel.outcome(migratable).code == "service_td_not_allowed")
        #expect(await intel.outcome(migratable) { $0.rules.serviceTDs = [service] }.word == "UpToDate")
        let other = [UInt8](repeating: 0x5F, count: 48)
        #expect(await intel.outcome(migratable) { $0.rules.serviceTDs = [other] }.code == "service_td_not_allowed")
        let unbound = try intel.quote(TrustDomainReport.plain(is15: true).allowing(.migratable))
        #expect(await intel.outcome(unbound) { $0.rules.serviceTDs = [service] }.code == "migration_allowed")
    }

    @Test("profiling is refused, performance counters are a claim")
    func sideChannels() async throws {
        for bit in 4...6 {
            let quote = try intel.quote(.plain().allowing(.init(rawValue: 1 << UInt64(bit))))
            #expect(await intel.outcome(quote).code == "profiling_enabled")
            #expect(await intel.outcome(quote) { $0.rules.allowsProfiling = true }.word == "UpToDate")
        }
        let counters = try intel.quote(.plain().allowing([.performanceCounters, .keyLocker, .protectionKeys]))
        let claims = try #require(await intel.outcome(counters).claims?["td_attributes"])
        #expect(
            claims == [
                "debug": false, "septve_disable": true, "protection_keys": true, "key_locker": true, "perfmon": true,
            ])
    }

    @Test("a TDX module that is not Intel's or is one for debugging is refused")
    func module() async throws {
        let signed = try TrustDomainReport.plain().replacing(.seamSigner, [1] + [UInt8](repeating: 0, count: 47))
        #expect(try await intel.verdict(signed).code == "tdx_module_mismatch")
        let debug = try TrustDomainReport.plain().replacing(.seamAttributes, [1, 0, 0, 0, 0, 0, 0, 0])
        #expect(try await intel.verdict(debug).code == "tdx_module_mismatch")
    }

    @Test("A8: only the whole report data binds")
    func reportData() async throws {
        let verifier = TDXVerifier(options: .init(collateral: intel.options()))
        let digest = [UInt8](1...48)
        let padded = digest + [UInt8](repeating: 0, count: 16)
        let quote = try intel.quote(.plain(reportData: padded))
        let evidence = Evidence(tee: .tdx, content: ["quote": .string(Base64.encode(quote.encoded))])
        let context = VerificationContext(
            clock: .fixed(IntelStandIn.now), collateral: FixedCollateral(try intel.items()))
        func code(_ reportData: [[UInt8]]) async -> String? {
            do {
                _ = try await verifier.verify(
                    evidence, binding: EvidenceBinding(reportData: reportData), context: context)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(await code([digest]) == nil)
        #expect(await code([[9], padded]) == nil)
        let wrong: [[[UInt8]]] = [
            [], [[]], [Array(digest.dropLast())], [digest + [1]], [Array(digest.dropFirst())], [padded + [0]],
            [[digest[0] ^ 1] + digest.dropFirst()], [[UInt8](repeating: 0, count: 64)],
        ]
        for candidates in wrong { #expect(await code(candidates) == "report_data_mismatch") }
    }

    @Test("A16: init-data counts only when its whole digest is where the host put it")
    func initData() async throws {
        let digest = [UInt8](101...148)
        let quote = try intel.quote(.plain().replacing(.configurationID, digest))
        let good = await intel.outcome(quote) { $0.initData = digest }
        #expect(good.claims?["init_data"] == .string(Hex.encode(digest)))
        for wrong in [Array(digest.prefix(32)), [UInt8](repeating: 0, count: 48), Array(digest.reversed()), []] {
            #expect(await intel.outcome(quote) { $0.initData = wrong }.code == "init_data_mismatch")
        }
        #expect(await intel.outcome(quote).claims?["init_data"] == .string(Hex.encode(digest)))
        let short = [UInt8](101...132)
        let padded = try intel.quote(.plain().replacing(.configurationID, short + [UInt8](repeating: 0, count: 16)))
        #expect(await intel.outcome(padded) { $0.initData = short }.word == "UpToDate")
        let enclave = try intel.quote(
            enclave().replacing(.configurationID, digest + [UInt8](repeating: 0, count: 16)))
        #expect(await intel.outcome(enclave) { $0.initData = digest }.word == "UpToDate")
        #expect(await intel.outcome(enclave) { $0.initData = short }.code == "init_data_mismatch")
    }

    @Test("A18: an event log must lead to all four registers, and only proved events are claims")
    func eventLog() async throws {
        let bytes = try Vectors.bytes("eventlog/tdx-ccel-direct-kernel/log.bin")
        let log = try EventLog.parse(bytes)
        let registers = try log.replay(.sha384)
        var report = try TrustDomainReport.plain()
        let fields: [TrustDomainReport.Field] = [.register0, .register1, .register2, .register3]
        for (index, field) in zip(UInt32(1)..., fields) {
            report = report.replacing(field, registers[index] ?? [UInt8](repeating: 0, count: 48))
        }
        let text = JSONValue.string(Base64.encode(bytes))
        let good = await intel.outcome(try intel.quote(report)) { $0.eventLog = text }
        #expect(good.claims?["uefi_event_logs"]?.arrayValue?.isEmpty == false)
        for field in fields {
            let other = report.replacing(field, [UInt8](repeating: 9, count: 48))
            #expect(await intel.outcome(try intel.quote(other)) { $0.eventLog = text }.code == "event_log_mismatch")
        }
        let quote = try intel.quote(report)
        #expect(await intel.outcome(quote).claims?["uefi_event_logs"] == nil)
        #expect(await intel.outcome(quote) { $0.eventLog = "AAAA" }.code == "malformed_evidence")
        #expect(await intel.outcome(quote) { $0.eventLog = 7 }.code == "malformed_evidence")
        #expect(await intel.outcome(quote) { $0.eventLog = "A A=" }.code == "malformed_evidence")
    }

    @Test("an enclave's quote is no trust domain's, and evidence must be an object with a quote")
    func otherKind() async throws {
        let quote = JSONValue.string(Base64.encode(try intel.quote(enclave()).encoded))
        let binding = EvidenceBinding(reportData: [Array(1...64)])
        let context = VerificationContext(clock: .fixed(IntelStandIn.now))
        let verifier = TDXVerifier(options: .init(collateral: intel.options()))
        for content in [["quote": quote], "quote", ["quote": 7], [:], ["quote": "@@@@"], ["quote": ""]] as [JSONValue] {
            let error = await #expect(throws: VerificationError.self) {
                try await verifier.verify(Evidence(tee: .tdx, content: content), binding: binding, context: context)
            }
            #expect(error?.code == "malformed_evidence")
        }
    }
}
