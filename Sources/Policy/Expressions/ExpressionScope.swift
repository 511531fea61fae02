import RATS

/// Where an expression stands, and so which variables it may use.
enum ExpressionScope {
    /// A release policy; the named variables are declared before the expression.
    case release(variables: [String])
    /// An appraisal rule about these TEEs.
    case appraisal(tees: [TEE])

    /// The variables and what may follow them.
    var names: [String: NameTree] {
        switch self {
        case .release(let variables):
            Self.release.merging(["variables": .members(Self.anything(variables))]) { $1 }
        case .appraisal(let tees):
            Self.appraisal.merging(["claims": Self.claims(of: tees)]) { $1 }
        }
    }

    private static func anything(_ names: [String]) -> [String: NameTree] {
        Dictionary(names.map { ($0, NameTree.any) }, uniquingKeysWith: { first, _ in first })
    }

    private static func claims(of tees: [TEE]) -> NameTree {
        let trees = tees.map(ClaimsCatalogue.claims)
        guard let first = trees.first else { return .any }
        return trees.dropFirst().reduce(first) { $0.merged(with: $1) }
    }

    private static let trust = NameTree.members(
        Dictionary(uniqueKeysWithValues: TrustClaim.allCases.map { ($0.rawValue, NameTree.value) }))

    private static let release: [String: NameTree] = [
        "tee": .value, "status": .value, "now": .value, "trust": trust,
        "claims": ClaimsCatalogue.annotated,
        "submods": .each(
            .members([
                "status": .value, "trust": trust, "claims": ClaimsCatalogue.annotated, "tee": .value, "class": .value,
            ])),
        "request": .members([
            "operation": .value, "plugin": .value, "path": .any, "query": .any, "tenant": .value, "resource": .value,
        ]),
        "attestation": .members(["issuer": .value, "age": .value, "protocol": .value]),
    ]

    private static let appraisal: [String: NameTree] = ClaimsCatalogue.aside.merging([
        "tee": .value, "class": .value, "now": .value,
    ]) { $1 }
}
