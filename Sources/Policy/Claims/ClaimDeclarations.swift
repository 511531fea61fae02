import CEL
import RATS

/// The catalogue as declarations for expressions, each made once: policies are compiled by the thousand.
enum ClaimDeclarations {
    /// The variables of release policies that select these TEEs; none means all.
    static func release(tees: [TEE]) -> [String: CELType] {
        guard !tees.isEmpty else { return release }
        var variables = release
        variables["claims"] = .object(
            CELObjectType(
                name: "claims",
                fields: besideFields.merging(tees.map { ($0.rawValue, field(of: $0)) }, uniquingKeysWith: { $1 })))
        return variables
    }

    /// The variables of a rule about one TEE in an appraisal policy.
    static func appraisal(tee: TEE) -> [String: CELType] {
        var variables = appraisal
        variables["claims"] = appraised[tee] ?? .dyn
        return variables
    }

    /// The variables of what an appraisal policy says about any TEE: a claim that two TEEs have with different types
    /// may be either.
    static let appraisalOfAny: [String: CELType] = {
        var variables = appraisal
        let all = TEE.allCases.compactMap { tee -> CELObjectType? in
            if case .object(let type) = appraised[tee] { return type }
            return nil
        }
        variables["claims"] = all.dropFirst().reduce(all.first.map(CELType.object) ?? .dyn) { union($0, .object($1)) }
        return variables
    }()

    private static let release = variables(ExpressionVariables.release)
    private static let appraisal = variables(ExpressionVariables.appraisal)
    private static let besideFields = ExpressionVariables.besideClaims.declaration("claims").fields

    private static let appraised = Dictionary(
        uniqueKeysWithValues: TEE.allCases.map { tee in
            (tee, CELType.object(ClaimFamily.of(tee).claims.declaration("claims")))
        })

    private static let released = Dictionary(
        uniqueKeysWithValues: TEE.allCases.map { tee in
            let path = ClaimPath.text(tee.rawValue, after: "claims")
            return (tee, CELObjectType.Field(.object(ClaimFamily.of(tee).claims.declaration(path))))
        })

    private static func field(of tee: TEE) -> CELObjectType.Field { released[tee] ?? CELObjectType.Field(.dyn) }

    private static func variables(_ claims: [Claim]) -> [String: CELType] {
        Dictionary(claims.map { ($0.name, $0.type.declared(as: $0.name)) }, uniquingKeysWith: { first, _ in first })
    }

    private static func union(_ one: CELType, _ other: CELType) -> CELType {
        guard case .object(let left) = one, case .object(let right) = other else { return one == other ? one : .dyn }
        let fields = left.fields.merging(right.fields) { .init(union($0.type, $1.type)) }
        return .object(CELObjectType(name: left.name, fields: fields, isOpen: left.isOpen || right.isOpen))
    }
}
