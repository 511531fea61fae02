import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification

@Suite("Simulated trust domains: twins signed again with one thing changed")
struct SimulatedTDXTests {
    private let site: SimulatedIntelSite
    private let domain: SimulatedTrustDomain

    init() throws {
        site = try SimulatedIntelSite()
        domain = try SimulatedTrustDomain(on: site.platform)
    }

    @Test("a good trust domain is believed in every form, with an event log and without")
    func forms() async throws {
        for form in SimulatedTrustDomain.Form.allCases {
            for log in [SimulatedEventLog(), nil] {
                let domain = try SimulatedTrustDomain(on: site.platform, form: form, eventLog: log)
                let claims = try await Simulation.claims(
                    of: domain.evidence(bound: Simulation.digest),
                    by: TDXVerifier(options: .init(collateral: site.options())), site.collateral.items())
                #expect(claims.claims["tcb_status"] == "UpToDate")
                #expect(
                    claims.claims["quote"]?["body"]?["mr_td"] == .string(Hex.encode(domain.report[.launchMeasurement])))
                #expect(claims.claims["uefi_event_logs"]?.arrayValue?.count == log?.events.count)
                #expect(claims.chain.last == site.intel.root.certificate.der)
            }
        }
        let single = try SimulatedIntelSite { $0.authority = .processor }
        #expect(try await single.refusal() == nil)
    }

    @Test("A8: a quote for another nonce or a cut digest is refused")
    func otherNonce() async throws {
        let verifier = TDXVerifier(options: .init(collateral: site.options()))
        for other in [
            [UInt8](repeating: 0xD2, count: 48), Array(Simulation.digest.prefix(32)), Simulation.digest + [1],
        ] {
            let code = try await Simulation.refusal(
                of: domain.evidence(bound: other), by: verifier, site.collateral.items())
            #expect(code == "report_data_mismatch")
        }
    }

    @Test("A10: a debug trust domain is refused, unless it is let in by name and says what it is")
    func debug() async throws {
        let twin = domain.twin(adding: .debug)
        #expect(try await site.refusal(domain) == nil)
        #expect(try await site.refusal(twin) == "debug_enabled")
        let claims = try await Simulation.claims(
            of: twin.evidence(bound: Simulation.digest),
            by: TDXVerifier(
                options: .init(collateral: site.options(), trustDomain: TrustDomainRules(allowsDebug: true))),
            site.collateral.items())
        #expect(claims.claims["td_attributes"]?["debug"] == true)
    }

    @Test("A14: trust domains that may be profiled are refused")
    func profiling() async throws {
        for bit: UInt64 in 4...6 {
            let twin = domain.twin(adding: TrustDomainReport.Attributes(rawValue: 1 << bit))
            #expect(try await site.refusal(twin) == "profiling_enabled")
        }
    }

    @Test("A14: trust domains that may be migrated, or that an unknown service may reach into, are refused")
    func migration() async throws {
        let domain = try SimulatedTrustDomain(on: site.platform, form: .version5TDX15)
        let service = [UInt8](repeating: 0x5D, count: 48)
        let bound = domain.twin(.serviceTD, service)
        #expect(try await site.refusal(domain) == nil)
        #expect(try await site.refusal(domain.twin(adding: .migratable)) == "migration_allowed")
        #expect(try await site.refusal(bound) == "service_td_not_allowed")
        let rules = TrustDomainRules(serviceTDs: [service])
        #expect(try await site.refusal(bound, rules: rules) == nil)
        #expect(try await site.refusal(bound.twin(adding: .migratable), rules: rules) == nil)
        #expect(try await site.refusal(domain.twin(adding: .migratable), rules: rules) == "migration_allowed")
    }

    @Test("A14: a TDX module that somebody else signed, or with attributes, is refused")
    func module() async throws {
        let foreign = [UInt8](repeating: 1, count: 48)
        #expect(try await site.refusal(domain.twin(.seamSigner, foreign)) == "tdx_module_mismatch")
        #expect(try await site.refusal(domain.twin(.seamAttributes, [1])) == "tdx_module_mismatch")
        #expect(
            try await site.refusal(domain.twin(.seamAttributes, Array(repeating: 0, count: 7) + [0x80]))
                == "tdx_module_mismatch")
        #expect(try await site.refusal(domain.twin(.tcbSVN, [5, 9, 6])) == "tcb_unsupported")
        #expect(try await site.refusal(domain.twin(.tcbSVN, [0, 1, 6])) == "tcb_unsupported")
        var collateral = site.collateral
        collateral.changeTCBInfos { $0.modules[1]?.levels = [(3, "Revoked")] }
        #expect(try await site.refusal(domain, collateral: collateral) == "tcb_revoked")
    }

    @Test("A16: MRCONFIGID must be the digest of the init-data document")
    func initData() async throws {
        let wanted = [UInt8](repeating: 0x1D, count: 48)
        let verifier = TDXVerifier(options: .init(collateral: site.options()))
        for (field, code) in [
            (wanted, nil), ([], "init_data_mismatch"), (Array(wanted.prefix(32)), "init_data_mismatch"),
        ]
            as [([UInt8], String?)]
        {
            let evidence = try domain.twin(.configurationID, field).evidence(bound: Simulation.digest)
            #expect(
                try await Simulation.refusal(
                    of: evidence, by: verifier, site.collateral.items(), initDataDigest: wanted) == code)
        }
    }

    @Test(
        "A18: an event log must lead to every register",
        arguments: [TrustDomainReport.Field.register0, .register1, .register2, .register3])
    func registers(_ field: TrustDomainReport.Field) async throws {
        var value = Array(domain.report[field])
        value[47] ^= 1
        #expect(try await site.refusal(domain.twin(field, value)) == "event_log_mismatch")
        var silent = domain.twin(field, value)
        silent.eventLog = nil
        #expect(try await site.refusal(silent) == nil)
    }

    @Test("A18: event logs with an event more, fewer or in another order are refused")
    func eventLogs() async throws {
        var added = domain
        added.eventLog?.events.append(.agent("example.com PullImage example.com/evil"))
        #expect(try await site.refusal(added) == "event_log_mismatch")
        var removed = domain
        removed.eventLog?.events.removeLast()
        #expect(try await site.refusal(removed) == "event_log_mismatch")
        var swapped = domain
        swapped.eventLog?.events.swapAt(1, 3)
        #expect(try await site.refusal(swapped) == "event_log_mismatch")
        var empty = domain
        empty.eventLog?.events = []
        #expect(try await site.refusal(empty) == "event_log_mismatch")
    }

    @Test("A18: what is odd about an event log is a claim, empty where nothing is, missing without a log")
    func findings() async throws {
        let separator = SimulatedEventLog.Event(register: 0, type: 4, data: [0, 0, 0, 0])
        let cases: [(SimulatedEventLog?, JSONValue?)] = [
            (SimulatedEventLog(), []), (SimulatedEventLog([separator, separator]), ["duplicate_separator"]),
            (SimulatedEventLog([.init(register: 0, type: 4, data: [1, 0, 0, 0])]), ["error_separator"]),
            (SimulatedEventLog([.agent("a b c\nd")]), ["doubtful_agent_event"]), (nil, nil),
        ]
        for (log, findings) in cases {
            let domain = try SimulatedTrustDomain(on: site.platform, eventLog: log)
            let claims = try await Simulation.claims(
                of: domain.evidence(bound: Simulation.digest),
                by: TDXVerifier(options: .init(collateral: site.options())), site.collateral.items())
            #expect(claims.claims["uefi_event_log_findings"] == findings)
        }
    }

    @Test("A18: an event whose text was changed is there, but is said not to be what was measured")
    func changedText() async throws {
        var twin = domain
        twin.eventLog?.events[4].data = Array("LEAA".utf8) + [4, 0, 0, 0] + Array("evil".utf8)
        let claims = try await Simulation.claims(
            of: twin.evidence(bound: Simulation.digest), by: TDXVerifier(options: .init(collateral: site.options())),
            site.collateral.items())
        let event = try #require(claims.claims["uefi_event_logs"]?.arrayValue?.last)
        #expect(event["digest_matches_event"] == false)
        #expect(event["details"]?["data"] == nil)
    }
}
