import CEL
import RATS

/// Where an expression stands, and so which variables it may use.
enum ExpressionScope {
    /// A release policy for these kinds of guest, any when empty; the variables are declared before the expression.
    case release(tees: [TEE], variables: [String: CELType])
    /// An appraisal rule about these TEEs: what it uses must mean the same for each.
    case appraisal(tees: [TEE])
    /// A part of an appraisal policy that is about every TEE.
    case appraisalOfAny

    /// The environments that the expression must fit, each with the TEE that it is about where there are several.
    var environments: [(tee: TEE?, environment: CELEnvironment)] {
        switch self {
        case .release(let tees, let variables):
            let own = CELObjectType(name: "variables", fields: variables)
            let all = ClaimDeclarations.release(tees: tees).merging(["variables": .object(own)]) { $1 }
            return [(nil, Self.environment(all))]
        case .appraisal(let tees):
            guard !tees.isEmpty else { return [(nil, Self.environment(ClaimDeclarations.appraisalOfAny))] }
            return tees.map { tee in
                (tees.count > 1 ? tee : nil, Self.environment(ClaimDeclarations.appraisal(tee: tee)))
            }
        case .appraisalOfAny: return [(nil, Self.environment(ClaimDeclarations.appraisalOfAny))]
        }
    }

    /// The TEEs that a release policy selects; empty where any may come.
    var selectedTEEs: [TEE] {
        if case .release(let tees, _) = self { tees } else { [] }
    }

    /// Whether the expression may be about a TEE whose claims are all texts.
    func mayConcern(_ tee: TEE, _ text: String) -> Bool {
        if case .appraisal(let tees) = self { return tees.contains(tee) }
        return text.contains(tee.rawValue)
    }

    private static func environment(_ variables: [String: CELType]) -> CELEnvironment {
        CELEnvironment(variables: variables.merging([ReferenceCalls.function: .map(.string, .dyn)]) { $1 })
    }
}
