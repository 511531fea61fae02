import Encodings
import RATS
import Testing

@testable import Policy

/// Decisions under policies that require a posture.
enum PostureFixture {
    /// The evidence of the catalogue's examples, with one claim changed; `nil` removes it.
    static func claims(_ tee: TEE, _ path: [String] = [], _ value: JSONValue? = nil) -> JSONObject {
        let example = ClaimFamily.of(tee).claims.example.objectValue ?? [:]
        return path.isEmpty ? example : set(example, path[...], value)
    }

    private static func set(_ object: JSONObject, _ path: ArraySlice<String>, _ value: JSONValue?) -> JSONObject {
        var result = object
        guard let name = path.first else { return result }
        if path.count == 1 {
            result[name] = value
        } else {
            result[name] = .object(set(object[name]?.objectValue ?? [:], path.dropFirst(), value))
        }
        return result
    }

    static func policy(_ posture: String, tees: String? = nil) -> String {
        let selected = tees.map { "tees: [\($0)], " } ?? ""
        return Fixture.release(
            "  match: {resources: [\"payments/**\"]}\n  require: {\(selected)posture: {\(posture)}}")
    }

    /// A policy that requires every part of a posture.
    static let everything = policy(
        """
        debug: Off, smt: false, migration: Off, singleSocket: true, vmpl: 0, \
        tcb: {snp: {bootloader: 4, fmc: 1, atLeast: milan}, sample: {svn: 1}, \
        tdx: {svn: "0701", status: [UpToDate], advisories: [INTEL-SA-00960]}}
        """)

    static func decide(
        _ posture: String, _ tee: TEE, _ claims: JSONObject, references: ReferenceValues = ReferenceValues()
    ) throws -> Decision {
        let attestation = Fixture.attestation([Fixture.appraisal(tee: tee, claims: claims)])
        return try Fixture.bundle(policy(posture), registered: references).decide(
            Fixture.request(attestation: attestation))
    }
}

@Suite("posture")
struct PostureTests {
    struct Row: Sendable {
        let field: String
        let tee: TEE
        let path: [String]
        let good: JSONValue
        let bad: [JSONValue]
    }

    static let matrix: [Row] = [
        Row(field: "debug: Off", tee: .snp, path: ["policy_debug_allowed"], good: false, bad: [true]),
        Row(field: "debug: false", tee: .azSNPvTPM, path: ["policy_debug_allowed"], good: "false", bad: ["true"]),
        Row(field: "debug: Off", tee: .tdx, path: ["td_attributes", "debug"], good: false, bad: [true]),
        Row(field: "debug: Off", tee: .azTDXvTPM, path: ["td_attributes", "debug"], good: false, bad: [true]),
        Row(
            field: "debug: Off", tee: .sgx, path: ["body", "attributes.flags"], good: "0500000000000000",
            bad: ["0700000000000000", "0200000000000000", "ffffffffffffffff"]),
        Row(
            field: "debug: Off", tee: .cca, path: ["platform", "cca-platform-lifecycle"], good: 0x30FF,
            bad: [0, 0x1000, 0x2FFF, 0x3100, 0x4000, 0x6000]),
        Row(field: "debug: Off", tee: .csv, path: ["policy", "nodbg"], good: 1, bad: [0, 2]),
        Row(field: "debug: Off", tee: .sample, path: ["debug"], good: false, bad: [true]),
        Row(field: "smt: Off", tee: .snp, path: ["platform_smt_enabled"], good: false, bad: [true]),
        Row(field: "smt: false", tee: .azSNPvTPM, path: ["platform_smt_enabled"], good: "false", bad: ["true"]),
        Row(field: "smt: Off", tee: .tdx, path: ["is_smt_enabled"], good: false, bad: [true]),
        Row(field: "smt: Off", tee: .azTDXvTPM, path: ["is_smt_enabled"], good: false, bad: [true]),
        Row(field: "smt: Off", tee: .sgx, path: ["is_smt_enabled"], good: false, bad: [true]),
        Row(field: "migration: Off", tee: .snp, path: ["policy_migrate_ma"], good: false, bad: [true]),
        Row(field: "migration: Off", tee: .azSNPvTPM, path: ["policy_migrate_ma"], good: "false", bad: ["true"]),
        Row(
            field: "migration: Off", tee: .tdx, path: ["quote", "body", "td_attributes"], good: "0000001000000000",
            bad: ["0000002000000000", "0000003000000000"]),
        Row(
            field: "migration: Off", tee: .azTDXvTPM, path: ["quote", "body", "td_attributes"],
            good: "0000001000000000",
            bad: ["0000002000000000"]),
        Row(field: "migration: Off", tee: .csv, path: ["policy", "nosend"], good: 1, bad: [0]),
        Row(field: "singleSocket: true", tee: .snp, path: ["policy_single_socket"], good: true, bad: [false]),
        Row(field: "singleSocket: On", tee: .azSNPvTPM, path: ["policy_single_socket"], good: "true", bad: ["false"]),
        Row(field: "vmpl: 0", tee: .snp, path: ["vmpl"], good: 0, bad: [1, 2, 3]),
        Row(field: "vmpl: 2", tee: .azSNPvTPM, path: ["vmpl"], good: "2", bad: ["0", "3"]),
        Row(
            field: "tcb: {snp: {bootloader: 4}}", tee: .snp, path: ["reported_tcb_bootloader"], good: 4, bad: [3, 0]),
        Row(field: "tcb: {snp: {tee: 1}}", tee: .snp, path: ["reported_tcb_tee"], good: 255, bad: [0]),
        Row(field: "tcb: {snp: {snp: 22}}", tee: .snp, path: ["reported_tcb_snp"], good: 23, bad: [21]),
        Row(field: "tcb: {snp: {microcode: 213}}", tee: .snp, path: ["reported_tcb_microcode"], good: 213, bad: [212]),
        Row(field: "tcb: {snp: {fmc: 1}}", tee: .snp, path: ["reported_tcb_fmc"], good: 1, bad: [0]),
        Row(
            field: "tcb: {az-snp-vtpm: {snp: 22}}", tee: .azSNPvTPM, path: ["reported_tcb_snp"], good: "100",
            bad: ["21", "3"]),
        Row(
            field: "tcb: {tdx: {svn: \"0701\"}}", tee: .tdx, path: ["quote", "body", "tcb_svn"],
            good: "07010300000000000000000000000000",
            bad: ["06020300000000000000000000000000", "ff000300000000000000000000000000"]),
        Row(
            field: "tcb: {az-tdx-vtpm: {svn: \"0000000004\"}}", tee: .azTDXvTPM, path: ["quote", "body", "tcb_svn"],
            good: "00000000040000000000000000000000", bad: ["ffffffff030000000000000000000000"]),
        Row(
            field: "tcb: {tdx: {status: [UpToDate, SWHardeningNeeded]}}", tee: .tdx, path: ["tcb_status"],
            good: "SWHardeningNeeded", bad: ["OutOfDate", "Revoked", "uptodate"]),
        Row(
            field: "tcb: {tdx: {advisories: [INTEL-SA-00960]}}", tee: .tdx, path: ["advisory_ids"],
            good: ["INTEL-SA-00960"], bad: [["INTEL-SA-00960", "INTEL-SA-00982"], ["INTEL-SA-00982"]]),
        Row(
            field: "tcb: {sgx: {advisories: []}}", tee: .sgx, path: ["advisory_ids"], good: [],
            bad: [["INTEL-SA-00615"]]),
        Row(
            field: "tcb: {sgx: {isvSvn: 258}}", tee: .sgx, path: ["body", "isv_svn"], good: "0201",
            bad: ["0101", "ff00"]),
        Row(field: "tcb: {sgx: {qeSvn: 8}}", tee: .sgx, path: ["header", "qe_svn"], good: "0800", bad: ["0700"]),
        Row(field: "tcb: {sgx: {pceSvn: 13}}", tee: .sgx, path: ["header", "pce_svn"], good: "0d00", bad: ["0c00"]),
        Row(field: "tcb: {sample: {svn: 2}}", tee: .sample, path: ["svn"], good: "10", bad: ["1"]),
    ]

    @Test("each kind of guest is judged by its own evidence", arguments: matrix)
    func judged(_ row: Row) throws {
        let allowed = try PostureFixture.decide(row.field, row.tee, PostureFixture.claims(row.tee, row.path, row.good))
        #expect(allowed.allowed, "\(row.tee.rawValue) \(allowed.message)")
        for bad in row.bad {
            let denied = try PostureFixture.decide(row.field, row.tee, PostureFixture.claims(row.tee, row.path, bad))
            #expect(denied.reason == .postureNotMet, "\(row.tee.rawValue) \(row.field) \(bad)")
            let condition = try #require(denied.trace.first?.conditions.first)
            #expect(
                condition.measured == [
                    MeasuredValue(
                        name: ClaimPath.text(["claims", row.tee.rawValue] + row.path), value: bad.serializedString())
                ])
        }
    }

    @Test("A29: what the evidence does not say denies, and so does a statement in another form", arguments: matrix)
    func unstated(_ row: Row) throws {
        let others: [JSONValue?] = [nil, .null, [:], "maybe", "", -1, 1.5, ["x", 1]]
        for other in others {
            let claims = PostureFixture.claims(row.tee, row.path, other)
            let decision = try PostureFixture.decide(row.field, row.tee, claims)
            // A text is a statement where texts are; it is only not the one that is wanted.
            let isStatement = row.field.contains("status") && other?.stringValue != nil || other == -1
            #expect(!decision.allowed, "\(row.field) \(String(describing: other))")
            #expect(isStatement || decision.reason == .postureUnknown, "\(row.field) \(String(describing: other))")
        }
    }

    @Test("every other kind of guest is denied, because its evidence does not say")
    func silentTEEs() throws {
        let fields: [(String, PostureFlag)] = [
            ("debug: Off", .debug), ("smt: Off", .smt), ("migration: Off", .migration),
            ("singleSocket: true", .singleSocket),
        ]
        for tee in TEE.allCases {
            let claims = PostureFixture.claims(tee)
            for (field, flag) in fields where PostureStatement.of(flag, tee) == nil {
                let decision = try PostureFixture.decide(field, tee, claims)
                #expect(decision.reason == .postureUnknown, "\(tee) \(field)")
                #expect(decision.message.contains("does not say whether \(flag.demand)"))
            }
            let floors = try PostureFixture.decide("tcb: {snp: {snp: 1}}", tee, claims)
            #expect(floors.reason == (tee == .snp ? .allowed : .postureUnknown), "\(tee)")
        }
    }

    @Test("a statement is read from claims that the catalogue has, and the examples are understood")
    func statementsAreClaims() throws {
        for tee in TEE.allCases {
            let example = JSONValue.object(ClaimFamily.of(tee).claims.example.objectValue ?? [:])
            func claim(_ path: [String]) -> JSONValue? { path.reduce(example) { $0?.objectValue?[$1] } }
            for flag in PostureFlag.allCases {
                guard let statement = PostureStatement.of(flag, tee) else { continue }
                #expect(statement.holds(claim(statement.path)) != nil, "\(flag) of \(tee)")
            }
            let components =
                TCBComponent.components(of: tee) + [PostureStatement.privilegeLevel(tee)].compactMap(\.self)
            for component in components {
                #expect(component.level(claim(component.path)) != nil, "\(component) of \(tee)")
            }
            if TCBComponent.statesStatus(tee) {
                #expect(claim(["tcb_status"]) != nil && claim(["advisory_ids"]) != nil)
            }
        }
    }

    @Test("every part of a posture is in the trace, with what is required and what was measured")
    func trace() throws {
        let posture = """
            debug: Off, smt: Off, migration: Off, singleSocket: true, vmpl: 0, \
            tcb: {snp: {bootloader: 4, tee: 0, snp: 22, microcode: 213, atLeast: milan}}
            """
        let references = ReferenceValues(["milan": ["snp": 24, "bootloader": 3]])
        let decision = try PostureFixture.decide(posture, .snp, PostureFixture.claims(.snp), references: references)
        let conditions = try #require(decision.trace.first?.conditions)
        #expect(
            conditions.map { "\($0.path.dropFirst("spec.require.posture.".count)) \($0.outcome)" } == [
                "debug met", "smt notMet", "migration met", "singleSocket notMet", "vmpl met", "tcb.snp.bootloader met",
                "tcb.snp.tee met", "tcb.snp.snp met", "tcb.snp.microcode notMet", "tcb.snp.atLeast.bootloader met",
                "tcb.snp.atLeast.snp notMet",
            ])
        #expect(decision.reason == .postureNotMet)
        let explanation = decision.explanation()
        for line in [
            "FAIL  spec.require.posture.smt", "required: hyper-threading (SMT) is off",
            "measured: claims.snp.platform_smt_enabled = true", "required: microcode is at least 213",
            "posture_not_met: The platform is too old: microcode is 25, not at least 213.",
            "required: snp is at least 24 (reference value 'milan')",
        ] {
            #expect(explanation.contains(line), "\(line)")
        }
        #expect(try Decision(json: decision.json()).trace == decision.trace)
    }

    static let references: [(JSONValue?, DecisionReason)] = [
        (["snp": 22, "microcode": 25], .allowed), (["snp": 24], .postureNotMet), (nil, .missingReferenceValue),
        ([:], .conditionError), ([22], .conditionError), (22, .conditionError), (["snp": "22"], .conditionError),
        (["snp": -1], .conditionError), (["snp": 256], .conditionError), (["firmware": 1], .conditionError),
    ]

    @Test("A29: floors of a reference value count, and one that is missing or no version denies", arguments: references)
    func reference(_ row: (value: JSONValue?, reason: DecisionReason)) throws {
        let values = ReferenceValues(row.value.map { ["milan": $0] } ?? [:])
        let decision = try PostureFixture.decide(
            "tcb: {snp: {atLeast: milan}}", .snp, PostureFixture.claims(.snp), references: values)
        #expect(decision.reason == row.reason)
        let tdx = try PostureFixture.decide(
            "tcb: {tdx: {atLeast: module}}", .tdx, PostureFixture.claims(.tdx),
            references: ReferenceValues(["module": ["svn": "0300 05"]]))
        #expect(tdx.reason == .conditionError)
    }

    @Test("A32: a tenant's posture is compared with the tenant's own reference value")
    func tenantReference() throws {
        func values(_ namespace: String, _ level: Int) -> String {
            """
            apiVersion: claviger.dev/v1alpha1
            kind: ReferenceValues
            metadata: {name: tcb, namespace: \(namespace)}
            spec: {values: [{name: milan, value: {snp: \(level)}}]}
            """
        }
        let policy = PostureFixture.policy("tcb: {snp: {atLeast: milan}}")
        let attestation = Fixture.attestation([Fixture.appraisal(tee: .snp, claims: PostureFixture.claims(.snp))])
        let request = Fixture.request(attestation: attestation)
        #expect(try Fixture.bundle(policy, values("orders", 1)).decide(request).reason == .missingReferenceValue)
        #expect(try Fixture.bundle(policy, values("payments", 99)).decide(request).reason == .postureNotMet)
        #expect(try Fixture.bundle(policy, values("payments", 1)).decide(request).allowed)
    }

    @Test("A10: a guardrail on debugging holds for every kind of guest, whatever else allows")
    func guardrail() throws {
        let limit = Fixture.clusterRelease(
            "  effect: Guardrail\n  match: {resources: [\"**\"]}\n  require: {posture: {debug: Off}}")
        let all = Fixture.release("  match: {resources: [\"payments/**\"]}")
        let bundle = try Fixture.bundle(limit, all)
        for row in Self.matrix where row.field.hasPrefix("debug") {
            func decide(_ value: JSONValue?) -> Decision {
                let appraisal = Fixture.appraisal(tee: row.tee, claims: PostureFixture.claims(row.tee, row.path, value))
                return bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal])))
            }
            #expect(decide(row.good).allowed)
            #expect(decide(row.bad[0]).reason == .guardrailDenied)
            #expect(decide(nil).reason == .guardrailDenied)
        }
    }
}
