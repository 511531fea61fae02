import Encodings
import RATS
import Testing

@Suite("Trust vector")
struct TrustVectorTests {
    @Test(
        "a value's tier follows AR4SI",
        arguments: [
            (Int8(-1), TrustTier.none), (0, .none), (1, .none), (-2, .affirming), (2, .affirming), (-32, .affirming),
            (31, .affirming), (-33, .warning), (32, .warning), (-96, .warning), (95, .warning),
            (-97, .contraindicated), (96, .contraindicated), (-128, .contraindicated), (127, .contraindicated),
        ])
    func tiers(value: Int8, tier: TrustTier) {
        #expect(TrustTier(value: value) == tier)
    }

    @Test("the status is the worst tier, and none when all is zero or nothing is graded")
    func status() {
        #expect(TrustVector().status == .none)
        #expect(TrustVector([.hardware: 0, .executables: 1]).status == .none)
        #expect(TrustVector([.hardware: 2, .executables: 0]).status == .affirming)
        #expect(TrustVector([.hardware: 2, .executables: 33]).status == .warning)
        #expect(TrustVector([.hardware: 97, .executables: 33]).status == .contraindicated)
    }

    @Test("a vector survives its JSON form, in the order of AR4SI")
    func roundTrip() throws {
        let vector = TrustVector([.sourcedData: -128, .instanceIdentity: 2, .fileSystem: 127])
        #expect(vector.json().names == ["instance-identity", "file-system", "sourced-data"])
        #expect(try TrustVector(json: vector.json()) == vector)
    }

    @Test(
        "unknown claims and numbers beyond 8 bits are refused",
        arguments: [
            ["hardware": 128], ["hardware": -129], ["hardware": 2.5], ["hardware": "2"], ["luck": 2],
        ] as [JSONObject])
    func refused(json: JSONObject) {
        #expect(throws: AttestationResultError.self) { try TrustVector(json: json) }
    }
}
