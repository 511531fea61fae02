import Encodings
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("DCAP: recorded quotes")
struct DCAPVectorTests {
    @Test(
        "every recorded verdict on a quote comes out under its set of collateral",
        arguments: try DCAPVectors.entries("sgx", "tdx"))
    func verdicts(_ entry: DCAPVectors.Entry) async throws {
        for (set, status, advisories, evaluation) in entry.verdicts() {
            let outcome = await DCAPOutcome(entry, set, quote: try entry.withoutTrailingBytes())
            guard try entry.isInForce(at: set.verifyAt) else {
                // These verdicts were recorded without looking at the dates of the platform's certificate.
                #expect(outcome.code == "certificate_not_yet_valid", "\(set)")
                continue
            }
            guard status != "NoMatchingLevel" else {
                #expect(outcome.code == "tcb_unsupported", "\(set)")
                continue
            }
            #expect(outcome.claims?["tcb_status"]?.stringValue == status, "\(set) \(outcome.code ?? "")")
            #expect(outcome.claims?["advisory_ids"] == .array(advisories.sorted().map(JSONValue.string)))
            #expect(outcome.claims?["tcb_eval_num"] == .int(evaluation))
            #expect(outcome.claims?["collateral_expiration_status"] == "0")
        }
    }

    @Test(
        "collateral of another family of platforms or of another kind gives no verdict",
        arguments: try DCAPVectors.entries("sgx", "tdx"))
    func otherSets(_ entry: DCAPVectors.Entry) async throws {
        guard let fmspc = entry.claims["fmspc"]?.stringValue else { return }
        for set in CollateralSet.all where !entry.verdicts().contains(where: { $0.set.tcbInfo == set.tcbInfo }) {
            let info = try Vectors.json("dcap/dcap-collateral/\(set.tcbInfo)")
            guard info[pointer: "/tcbInfo/fmspc"]?.stringValue?.lowercased() != fmspc else { continue }
            let outcome = await DCAPOutcome(entry, set, quote: try entry.withoutTrailingBytes())
            #expect(
                ["collateral_unavailable", "revocation_unknown", "certificate_not_yet_valid"].contains(outcome.code),
                "\(set)")
        }
    }

    @Test("every quote is as the manifest describes it", arguments: try DCAPVectors.entries("sgx", "tdx"))
    func described(_ entry: DCAPVectors.Entry) async throws {
        guard entry.claims["quote_version"] != nil else { return }
        let quote = try IntelQuote(parsing: entry.withoutTrailingBytes())
        #expect(entry.claims["quote_version"] == .int(Int64(quote.header.version)))
        #expect(entry.claims["body_len"] == .int(Int64(quote.body.bytes.count)))
        let verifier = QuoteVerifier(options: IntelCollateralOptions())
        let date = try max(#require(entry.verifyAt), entry.certificate.notBefore)
        let authentic = try verifier.authenticate(entry.withoutTrailingBytes(), at: date)
        #expect(entry.claims["fmspc"] == .string(Hex.encode(authentic.platform.platform.fmspc)))
        #expect(entry.claims["pceid"] == .string(Hex.encode(authentic.platform.platform.pceID)))
        #expect(entry.claims["pck_ca"]?.stringValue == authentic.platform.issuer.subjectCommonName)
        switch quote.body {
        case .enclave(let report):
            for name in ["cpu_svn", "mr_enclave", "mr_signer", "config_id", "report_data"] {
                #expect(report.claims()[name] == entry.claims[name])
            }
            #expect(entry.claims["debug"] == .bool(report.flags.contains(.debug)))
        case .trustDomain(let report):
            let names = [
                "mr_seam", "td_attributes", "xfam", "mr_td", "mr_config_id", "mr_owner", "mr_owner_config",
                "report_data", "tee_tcb_svn2", "mr_servicetd",
            ]
            for name in names { #expect(report.claims()[name] == entry.claims[name], "\(name)") }
            #expect(report.claims()["tcb_svn"] == entry.claims["tee_tcb_svn"])
            #expect(entry.claims["debug"] == .bool(report.attributes.contains(.debug)))
            #expect((0...3).map { report.claims()["rtmr_\($0)"] } == entry.claims["rtmr"]?.arrayValue)
        }
    }

    @Test("a quote is written as it was read", arguments: try DCAPVectors.entries("sgx", "tdx"))
    func encoded(_ entry: DCAPVectors.Entry) throws {
        guard entry.expectation != "data" else { return }
        let bytes = try entry.withoutTrailingBytes()
        let encoded = try IntelQuote(parsing: bytes).encoded
        #expect(bytes.starts(with: encoded))
        #expect(bytes.dropFirst(encoded.count).allSatisfy { $0 == 0 })
    }

    @Test("KBS 12.10.61: the claims of a TDX quote are those of the reference verifier")
    func expectedClaims() async throws {
        let expected = try #require(Vectors.json("dcap/tdx/claims-expected-trustee-v4.json").objectValue)
        let entry = try DCAPVectors.entry("tdx", "v4-debug-trustee")
        let claims = try #require(await DCAPOutcome(entry, .early, quote: try entry.quote).claims)
        // The recorded instance is that of another certificate of the same machine, and the log is not the quote's.
        let others = ["platform_instance_id", "uefi_event_logs"]
        for (name, value) in expected where !others.contains(name) { #expect(claims[name] == value, "\(name)") }
        #expect(claims["platform_instance_id"] == "021ac64d355ba904e2d5948d228d5482")
        let log = try EventLog.parse(Vectors.bytes("eventlog/tdx-ccel-direct-kernel/log.bin"))
        #expect(log.claims == expected["uefi_event_logs"])
    }

    @Test("KBS 12.10.61: the claims of an SGX quote and of its platform are those of the reference verifier")
    func expectedEnclaveClaims() throws {
        let expected = try #require(Vectors.json("dcap/sgx/claims-expected-trustee-v3.json").objectValue)
        let entry = try DCAPVectors.entry("sgx", "v3-occlum-debug-trustee")
        let authentic = try QuoteVerifier(options: IntelCollateralOptions()).authenticate(
            entry.quote, at: #require(entry.verifyAt))
        guard case .enclave(let report) = authentic.quote.body else { throw CocoaError(.coderInvalidValue) }
        var claims = authentic.quote.claims(about: report)
        for (name, value) in authentic.platform.platform.claims() { claims[name] = value }
        claims["root_key_id"] = .string(authentic.platform.rootKeyID)
        // The recording is older than this claim.
        claims["platform_instance_id"] = nil
        for (name, value) in claims { #expect(expected[name] == value, "\(name)") }
        // What is left is Intel's opinion at that time, of which no documents were recorded.
        let opinions: Set = [
            "advisory_ids", "collateral_expiration_status", "earliest_expiration_date", "earliest_issue_date",
            "latest_issue_date", "pck_crl_num", "root_ca_crl_num", "tcb_date", "tcb_eval_num", "tcb_status",
        ]
        #expect(Set(expected.names).subtracting(claims.names) == opinions)
    }

    @Test("the platform's claims come from its certificate, Intel's documents and the chain")
    func platformClaims() async throws {
        let entry = try DCAPVectors.entry("tdx", "v4-uptodate-dcap-qvl")
        let claims = try #require(await DCAPOutcome(entry, .tdx, quote: try entry.quote).claims)
        let rootKey =
            "46e403bd34f05a3f2817ab9badcaacc7ffc98e0f261008cd30dae936cace18d5dcf58eef31463613de1570d516200993"
        #expect(claims["root_key_id"] == .string(rootKey))
        #expect(claims["earliest_issue_date"] == "2018-05-21T10:45:10Z")
        #expect(claims["latest_issue_date"] == "2025-06-19T10:32:27Z")
        #expect(claims["earliest_expiration_date"] == "2025-07-19T10:00:35Z")
        #expect(claims["tcb_date"] == "2024-03-13T00:00:00Z")
        #expect(claims["root_ca_crl_num"] == 1)
        #expect(claims["pck_crl_num"] == 1)
        #expect(claims["is_dynamic_platform"]?.boolValue != nil)
        #expect(claims["platform_instance_id"]?.stringValue?.count == 32)
        #expect(claims["tcb_status_current"] == nil)
    }

    @Test("A18: a log of another boot is refused, the log of the same boot is not")
    func eventLogs() async throws {
        let logs = [
            ("v4-gcp-cos113-with-log", nil), ("bad-log-unrelated", "event_log_mismatch"),
            ("bad-log-rtmr2-mismatch", "event_log_mismatch"),
        ]
        for (id, code) in logs {
            let evidence = try DCAPEvidence(DCAPVectors.entry("tdx", id).evidence.content)
            let report = try TrustDomainQuoteVerifier.report(in: IntelQuote(parsing: evidence.quote))
            let log = try EventLog.parse(#require(evidence.eventLog))
            #expect(refusalCode { () throws(VerificationError) in _ = try report.replaying(log) } == code, "\(id)")
        }
    }

    @Test("a quote with other bytes than zero behind its signature is refused")
    func trailing() async throws {
        let entry = try DCAPVectors.entry("tdx", "v4-spr-trailing-go-tdx-guest")
        #expect(await DCAPOutcome(entry, .early, quote: try entry.quote).code == "malformed_evidence")
    }

    @Test("A10: debug quotes are refused by default, without asking for any collateral")
    func debug() async throws {
        for (tee, id) in [("tdx", "v4-debug-trustee"), ("sgx", "v3-occlum-debug-trustee")] {
            let entry = try DCAPVectors.entry(tee, id)
            let context = VerificationContext(clock: .fixed(try #require(entry.verifyAt)))
            let verifier: any EvidenceVerifier = tee == "tdx" ? TDXVerifier() : SGXVerifier()
            let evidence = try entry.evidence
            let binding = EvidenceBinding(reportData: [try verifier.statedReportData(in: evidence)])
            let error = await #expect(throws: VerificationError.self) {
                try await verifier.verify(evidence, binding: binding, context: context)
            }
            #expect(error?.code == "debug_enabled")
        }
    }
}

/// What came of verifying a quote: claims or the code of an error.
struct DCAPOutcome {
    var claims: JSONObject?
    var result: EvidenceClaims?
    var code: String?

    /// Verifies a quote of an entry under a set, debug ones too.
    init(_ entry: DCAPVectors.Entry, _ set: CollateralSet, quote: [UInt8], withLog: Bool = false) async {
        do {
            let original = try entry.evidence
            let log = withLog ? original.content["cc_eventlog"] ?? .null : .null
            let evidence = Evidence(
                tee: original.tee, content: ["quote": .string(Base64.encode(quote)), "cc_eventlog": log])
            let verifier: any EvidenceVerifier =
                original.tee == .sgx
                ? SGXVerifier(options: .init(allowsDebug: true))
                : TDXVerifier(options: .init(trustDomain: TrustDomainRules(allowsDebug: true)))
            let binding = EvidenceBinding(reportData: [try verifier.statedReportData(in: evidence)])
            result = try await verifier.verify(evidence, binding: binding, context: set.context()).first
            claims = result?.claims
        } catch {
            code = (error as? VerificationError)?.code ?? "\(error)"
        }
    }
}

extension DCAPVectors.Entry {
    /// The platform's certificate.
    var certificate: Certificate {
        get throws {
            let quote = try IntelQuote(parsing: withoutTrailingBytes())
            return try Certificate(der: CertificateText.chain(quote.signature.certificates)[0])
        }
    }

    func isInForce(at date: Date) throws -> Bool { try certificate.notBefore <= date }

    /// The quote without the bytes after its signature that make one of them unreadable.
    func withoutTrailingBytes() throws -> [UInt8] {
        let quote = try quote
        return id == "v4-spr-trailing-go-tdx-guest" ? Array(quote.dropLast(39)) : quote
    }
}
