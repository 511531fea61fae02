import Encodings
import Testing

@testable import Policy

@Suite("reading a posture")
struct PostureReadingTests {
    /// `code line:column path` of every error, with paths below `spec.require.posture`.
    private func places(_ posture: String, tees: String? = nil) -> [String] {
        Fixture.diagnostics(PostureFixture.policy(posture, tees: tees)).map {
            "\($0.code) \($0.line):\($0.column) \($0.path.replacing("spec.require.posture", with: ""))"
        }
    }

    static let wrong: [(posture: String, tees: String?, places: [String])] = [
        ("", nil, ["invalid_value 8:22 "]),
        ("debugg: Off", nil, ["unknown_field 8:23 .debugg"]),
        ("debug: On", nil, ["invalid_value 8:30 .debug"]),
        ("debug: \"Off\"", nil, ["wrong_type 8:30 .debug"]),
        ("debug: no", nil, ["wrong_type 8:30 .debug"]),
        ("smt: 0", nil, ["wrong_type 8:28 .smt"]),
        ("singleSocket: false", nil, ["invalid_value 8:37 .singleSocket"]),
        ("vmpl: 4", nil, ["invalid_value 8:29 .vmpl"]),
        ("tcb: {}", nil, ["invalid_value 8:28 .tcb"]),
        ("tcb: {snpp: {snp: 1}}", nil, ["unknown_field 8:29 .tcb.snpp"]),
        ("tcb: {snp: {}}", nil, ["invalid_value 8:34 .tcb.snp"]),
        ("tcb: {snp: {snp: 256}}", nil, ["invalid_value 8:40 .tcb.snp.snp"]),
        ("tcb: {snp: {snp: \"22\"}}", nil, ["wrong_type 8:40 .tcb.snp.snp"]),
        ("tcb: {snp: {ucode: 22}}", nil, ["unknown_field 8:35 .tcb.snp.ucode"]),
        ("tcb: {snp: {status: [UpToDate]}}", nil, ["unknown_field 8:35 .tcb.snp.status"]),
        ("tcb: {snp: {atLeast: \"\"}}", nil, ["invalid_value 8:44 .tcb.snp.atLeast"]),
        ("tcb: {tdx: {svn: 7}}", nil, ["wrong_type 8:40 .tcb.tdx.svn"]),
        ("tcb: {tdx: {svn: \"7\"}}", nil, ["invalid_value 8:40 .tcb.tdx.svn"]),
        ("tcb: {tdx: {status: [Revoked]}}", nil, ["invalid_value 8:44 .tcb.tdx.status[0]"]),
        ("tcb: {tdx: {status: []}}", nil, ["invalid_value 8:43 .tcb.tdx.status"]),
        ("tcb: {cca: {snp: 1}}", nil, ["unknown_field 8:29 .tcb.cca"]),
        // No guest that the policy selects can ever say it
        ("debug: Off", "se, tpm", ["cannot_tell 8:47 .debug"]),
        ("smt: Off", "cca, csv", ["cannot_tell 8:46 .smt"]),
        ("migration: Off", "sgx", ["cannot_tell 8:47 .migration"]),
        ("singleSocket: true", "tdx", ["cannot_tell 8:50 .singleSocket"]),
        ("vmpl: 0", "tdx", ["cannot_tell 8:42 .vmpl"]),
        ("tcb: {tdx: {svn: \"07\"}}", "snp", ["unselected_tee 8:42 .tcb.tdx"]),
        ("debug: Off", "se, snp", []), ("debug: Off, smt: false, singleSocket: On", nil, []),
    ]

    @Test("what cannot be required is refused where it stands", arguments: wrong)
    func refusal(_ row: (posture: String, tees: String?, places: [String])) {
        #expect(places(row.posture, tees: row.tees) == row.places, "\(row.posture)")
    }

    @Test("a refusal names the kinds of guest that could tell")
    func hints() throws {
        let found = try #require(Fixture.diagnostics(PostureFixture.policy("debug: Off", tees: "se")).first)
        #expect(found.message.contains("Evidence of se does not say whether debugging is off"))
        #expect(found.hint?.contains("snp") == true && found.hint?.contains("tdx") == true)
    }

    @Test("Off is the boolean that it becomes on its way through Kubernetes")
    func settled() throws {
        let words = try PolicyParser.parse(PostureFixture.policy("debug: Off, singleSocket: On"), source: "a")
        let booleans = try PolicyParser.parse(PostureFixture.policy("debug: false, singleSocket: true"), source: "b")
        #expect(words[0].digest == booleans[0].digest)
        #expect(words[0].content["spec"]?["require"]?["posture"]?["debug"] == false)
        let elsewhere = Fixture.release(
            "  match: {resources: [\"payments/**\"]}\n  require: {posture: {debug: Off}, status: Off}")
        #expect(Fixture.diagnostics(elsewhere).map(\.code) == ["wrong_type"])
    }

    @Test("what was read is what was written")
    func values() throws {
        let yaml = PostureFixture.policy(
            "debug: Off, vmpl: 1, tcb: {snp: {snp: 22, atLeast: milan}, tdx: {svn: \"07A1\", status: [UpToDate], advisories: []}}"
        )
        guard case .release(let spec) = try PolicyParser.parse(yaml, source: "a")[0].spec else {
            Issue.record("no release policy")
            return
        }
        let posture = try #require(spec.require.posture)
        #expect(posture.flags == [.debug] && posture.privilegeLevel == 1 && posture.referenceNames == ["milan"])
        #expect(posture.floors[.snp]?.levels == ["snp": .number(22)])
        #expect(posture.floors[.tdx]?.levels == ["svn": .bytes([0x07, 0xA1])])
        #expect(posture.floors[.tdx]?.statuses == ["UpToDate"] && posture.floors[.tdx]?.advisories == [])
    }
}
