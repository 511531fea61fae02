import Encodings
import RATS
import Testing

@testable import Policy

@Suite("types of expressions")
struct ExpressionTypingTests {
    static let prefix = "  match: {resources: [\"payments/**\"]}\n"

    /// A policy whose one expression stands on line 10, from column 18.
    static func release(_ expression: String, tees: String = "") -> String {
        let require = tees.isEmpty ? "  # any kind of guest\n" : "  require: {tees: [\(tees)]}\n"
        return Fixture.release(prefix + require + "  validations:\n    - expression: \(expression)")
    }

    static func appraisal(_ expression: String, tee: String) -> String {
        let field = tee.hasPrefix("[") ? "tees" : "tee"
        return """
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata: {name: default-cpu}
            spec:
              class: cpu
              rules:
                - {\(field): \(tee), claim: hardware, value: 2, when: ["true"]}
                - \(field): \(tee)
                  claim: executables
                  value: 3
                  when:
                    - \(expression)
            """
    }

    private func places(_ yaml: String) -> [String] {
        Fixture.diagnostics(yaml).map { "\($0.code) \($0.line):\($0.column)" }
    }

    static let refused: [(expression: String, tees: String, place: String, hint: String)] = [
        // Unknown claims, with the nearest name
        ("claims.snp.policy_debug_alowed == false", "", "unknown_claim 10:30", "'policy_debug_allowed'"),
        ("tee == 'snp' && claims['snp']['mesurement'] == ''", "", "unknown_claim 10:50", "'measurement'"),
        ("has(claims.tdx.quote.body.mrtd)", "", "unknown_claim 10:45", "'mr_td'"),
        ("claims.sgx.body['attributes.flag'] == ''", "", "unknown_claim 10:36", "'attributes.flags'"),
        ("claims['az-snp-vtpm'].tpm.pcr24 == ''", "", "unknown_claim 10:45", "'pcr"),
        ("submods.exists(n, submods[n].claims.nvidia.dbgstatus == 'disabled')", "", "unknown_claim 10:62", "'dbgstat'"),
        ("claims.tdx.uefi_event_logs.exists(e, e.event_type == '')", "", "unknown_claim 10:58", ""),
        ("claims.?snp.?mesurement.orValue('') == ''", "", "unknown_claim 10:32", "'measurement'"),
        // Texts, numbers and booleans are different things
        ("claims.snp.reported_tcb_snp >= '22'", "", "wrong_type 10:47", ""),
        ("claims.snp.policy_debug_allowed == 'false'", "", "wrong_type 10:51", ""),
        ("claims.snp.policy_debug_allowed == 0", "", "wrong_type 10:51", ""),
        ("claims.sample.svn >= 1", "", "wrong_type 10:37", ""),
        ("claims.csv.policy.nodbg == true", "", "wrong_type 10:43", ""),
        ("claims.tdx.tcb_status in ['UpToDate', 1] && claims.tdx.tcb_eval_num == 'x'", "", "wrong_type 10:87", ""),
        ("claims.tdx.tcb_status.startsWith(2)", "", "wrong_type 10:41", ""),
        ("claims.tdx.advisory_ids.contains('INTEL-SA-00960')", "", "wrong_type 10:43", ""),
        ("trust.hardware == 'affirming'", "", "wrong_type 10:34", ""),
        ("attestation.age < 600", "", "wrong_type 10:35", ""),
        ("request.path == 'payments/image-key/app'", "", "wrong_type 10:32", ""),
        ("submods.all(n, submods[n].status == 2)", "", "wrong_type 10:52", ""),
        ("claims.snp.measurement", "", "wrong_type 10:19", "compare"),
        ("claims.snp.measurement.length == 48", "", "wrong_type 10:41", ""),
        // Azure states texts only
        ("claims['az-snp-vtpm'].policy_debug_allowed == false", "", "wrong_type 10:62", "'false'"),
        ("claims['az-snp-vtpm'].reported_tcb_snp >= 22", "", "wrong_type 10:58", "int("),
        // Claims of kinds of guest that the policy does not select
        ("claims.tdx.td_attributes.debug == false", "snp", "unselected_tee 10:26", "require.tees"),
        ("tee != 'tdx' || claims.tdx.td_attributes.debug == false", "snp, sgx", "unselected_tee 10:42", "'tdx'"),
        ("claims['az-snp-vtpm'].measurement == ''", "snp", "unselected_tee 10:27", "'az-snp-vtpm'"),
        ("claims.snpp.measurement == ''", "snp", "unknown_claim 10:26", "'snp'"),
    ]

    @Test("A31: what can never be true is refused where it stands", arguments: refused)
    func refusal(_ row: (expression: String, tees: String, place: String, hint: String)) {
        let yaml = Self.release(row.expression, tees: row.tees)
        #expect(places(yaml) == [row.place], "\(row.expression)")
        #expect(
            row.hint.isEmpty || Fixture.diagnostics(yaml).first?.hint?.contains(row.hint) == true, "\(row.expression)")
    }

    static let accepted: [(expression: String, tees: String)] = [
        ("tee != 'snp' || claims.snp.measurement == reference('m')", ""),
        ("tee != 'snp' || claims.snp.reported_tcb_snp >= reference('minimum')", "snp, tdx"),
        ("claims.snp.reported_tcb_microcode >= 213 && !claims.snp.policy_debug_allowed", "snp"),
        ("claims['az-snp-vtpm'].policy_debug_allowed == 'false'", ""),
        ("int(claims['az-snp-vtpm'].reported_tcb_snp) >= 22", "az-snp-vtpm"),
        ("claims.tdx.advisory_ids.all(id, id in reference('accepted'))", "tdx"),
        ("claims.tdx.uefi_event_logs.exists(e, e.digests.exists(d, d.digest == reference('kernel')))", "tdx"),
        ("timestamp(claims.tdx.earliest_expiration_date) > now", "tdx"),
        ("claims.sgx.body['attributes.flags'] == '0500000000000000'", "sgx"),
        ("claims.init_data_claims['cdh.toml'].anything.goes == 3", "snp"),
        ("claims.runtime_data_claims.nonce != '' && claims.runtime_data_claims['tee-pubkey'].kty == 'EC'", ""),
        ("claims.runtime_data_claims.something.of.the.guest == 1", ""),
        ("submods.gpu0.claims.nvidia['x-nvidia-gpu-driver-version'] == '550.90.07'", "snp"),
        ("submods.all(n, submods[n].claims.?nvidia.?secboot.orValue(true) == true)", "tdx"),
        ("submods.gpu0.claims.nvidia['x-nvidia-attestation-warning'] == null", ""),
        ("submods.gpu0.claims.nvidia.measurements['10'].startsWith('05')", ""),
        ("trust['file-system'] >= 2 && trust.all(name, trust[name] < 32)", ""),
        ("attestation.age < duration('10m') && request.path[1] == 'image-key'", ""),
    ]

    @Test("what may be true is accepted", arguments: accepted)
    func acceptance(_ row: (expression: String, tees: String)) {
        #expect(Fixture.diagnostics(Self.release(row.expression, tees: row.tees)).map(\.description) == [])
    }

    @Test("a variable has the type of its expression")
    func variables() {
        let yaml = Fixture.release(
            Self.prefix + """
                  variables:
                    - {name: version, expression: "claims.snp.reported_tcb_snp"}
                    - {name: guest, expression: "claims.snp"}
                  validations:
                    - expression: variables.version == '22'
                    - expression: variables.guest.mesurement == ''
                """)
        #expect(places(yaml) == ["wrong_type 12:37", "unknown_claim 13:35"])
    }

    @Test("A31: variables and messages are held to the selected kinds of guest as well")
    func selectedEverywhere() {
        let yaml = Fixture.clusterRelease(
            """
              match: {resources: ["**"]}
              require: {tees: [snp]}
              variables:
                - {name: level, expression: "claims.tdx.tcb_eval_num"}
              validations:
                - expression: "true"
                  messageExpression: "claims.sgx.tcb_status"
                - expression: "submods.gpu0.claims.nvidia.secboot == true"
            """)
        #expect(places(yaml) == ["unselected_tee 9:41", "unselected_tee 12:34"])
    }

    static let rules: [(expression: String, tee: String, place: String?)] = [
        ("claims.measurement == reference('m')", "snp", nil),
        ("claims.mesurement == 'a'", "snp", "unknown_claim 12:18"),
        ("claims.policy_debug_allowed == 'false'", "snp", "wrong_type 12:39"),
        ("claims.policy_debug_allowed == 'false'", "az-snp-vtpm", nil),
        ("claims.policy_debug_allowed == false", "az-snp-vtpm", "wrong_type 12:39"),
        // A rule about several kinds must fit each of them
        ("claims.quote.body.mr_td == 'a'", "[tdx, az-tdx-vtpm]", nil),
        ("claims.tpm.pcr11 == 'a'", "[az-tdx-vtpm, tdx]", "unknown_claim 12:18"),
        ("claims.measurement in reference('m')", "[snp, az-snp-vtpm]", nil),
        ("claims.policy_debug_allowed == false", "[snp, az-snp-vtpm]", "wrong_type 12:39"),
        ("claims.reported_tcb_snp in reference('m')", "[snp, az-snp-vtpm]", nil),
        ("claims.measurement == 'a'", "[snp, tdx]", "unknown_claim 12:18"),
        ("tee != 'snp' || claims.measurement == 'a'", "[snp, tdx]", "unknown_claim 12:34"),
        ("claims.snp.measurement == 'a'", "snp", "unknown_claim 12:18"),
        ("init_data_claims.anything.goes == 1 && init_data != ''", "snp", nil),
        ("runtime_data_claims.nonce == 1", "snp", "wrong_type 12:37"), ("class == 1", "snp", "wrong_type 12:17"),
    ]

    @Test("a rule of an appraisal policy fits every kind of evidence that it is about", arguments: rules)
    func rule(_ row: (expression: String, tee: String, place: String?)) {
        let yaml = Self.appraisal(row.expression, tee: row.tee)
        #expect(places(yaml) == (row.place.map { [$0] } ?? []), "\(row.expression) of \(row.tee)")
    }

    @Test("a refusal in a rule about several kinds says which kind it is")
    func whichTEE() {
        let wrong = Fixture.diagnostics(
            Self.appraisal("claims.policy_debug_allowed == false", tee: "[snp, az-snp-vtpm]"))
        #expect(wrong.first?.message.contains("(for az-snp-vtpm)") == true)
        #expect(wrong.first?.hint?.contains("every claim of az-snp-vtpm is a text") == true)
        let absent = Fixture.diagnostics(Self.appraisal("claims.tpm.pcr11 == 'a'", tee: "[az-tdx-vtpm, tdx]"))
        #expect(absent.first?.message == "There is no 'tpm' in 'claims' (for tdx).")
    }

    @Test("every claim of the catalogue can be named in a release policy and in an appraisal policy")
    func everyName() {
        for family in ClaimFamily.all {
            let paths = family.claims.rows.map(\.path).filter { !$0.contains("[]") }
            func conditions(_ prefix: String) -> String {
                let terms = paths.map { path in
                    let full = path.hasPrefix("[") ? prefix + path : "\(prefix).\(path)"
                    return "    - expression: \"\(full) == \(full)\""
                }
                return terms.joined(separator: "\n")
            }
            for start in stride(from: 0, to: paths.count, by: 60) {
                let lines = conditions(family.expression).split(separator: "\n").dropFirst(start).prefix(60)
                let yaml = Fixture.release(Self.prefix + "  validations:\n" + lines.joined(separator: "\n"))
                #expect(Fixture.diagnostics(yaml).map(\.description) == [])
            }
            let rule = conditions("claims").split(separator: "\n").prefix(60)
                .map { $0.replacing("- expression: ", with: "- ") }.joined(separator: "\n")
            let yaml = """
                apiVersion: claviger.dev/v1alpha1
                kind: AppraisalPolicy
                metadata: {name: default-cpu}
                spec:
                  class: cpu
                  rules:
                  - tee: \(family.tee.rawValue)
                    claim: hardware
                    value: 2
                    when:
                \(rule)
                """
            #expect(Fixture.diagnostics(yaml).map(\.description) == [])
        }
    }
}
