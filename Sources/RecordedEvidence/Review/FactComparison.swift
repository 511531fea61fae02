import Encodings
import RATS
import X509Trust

/// A fact of the manifest beside what verification found.
struct FactComparison {
    let name: String
    let expected: JSONValue
    let found: JSONValue?

    /// Texts are compared without regard to case: manifests write hexadecimal and names either way.
    var agrees: Bool {
        guard let found else { return false }
        return Self.lowercased(found) == Self.lowercased(expected)
    }

    var foundText: String { found?.serializedString() ?? "missing" }

    private static func lowercased(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text.lowercased())
        case .array(let items): .array(items.map(lowercased))
        case .object(let object):
            .object(JSONObject(object.map { ($0.name, lowercased($0.value)) }))
        default: value
        }
    }
}

/// How a manifest names a fact, and where verified evidence states it.
struct FactReading: Sendable {
    let name: String
    let find: @Sendable (VerifiedFacts) -> JSONValue?

    init(_ name: String, _ find: @escaping @Sendable (VerifiedFacts) -> JSONValue?) {
        self.name = name
        self.find = find
    }

    /// A fact that is a claim, by the path of its members.
    init(_ name: String, claim path: String...) {
        self.name = name
        find = { facts in path.reduce(JSONValue.object(facts.claims)) { $0?[$1] } }
    }

    static func comparisons(
        _ readings: [FactReading], of expected: JSONObject, in facts: VerifiedFacts
    ) -> [FactComparison] {
        readings.compactMap { reading in
            expected[reading.name].map {
                FactComparison(name: reading.name, expected: $0, found: reading.find(facts))
            }
        }
    }
}

/// What there is to say of evidence that was believed.
struct VerifiedFacts: Sendable {
    let claims: JSONObject
    /// The verified chain of the signing key, its own certificate first.
    let chain: [Certificate]

    init(_ found: EvidenceClaims) throws(X509Error) {
        claims = found.claims
        var chain: [Certificate] = []
        for der in found.chain { chain.append(try Certificate(der: der)) }
        self.chain = chain
    }
}
