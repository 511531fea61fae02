import RATS

/// What `input` and `data` are in a Rego policy, and what their parts are called here.
enum Inputs: Sendable {
    /// A resource policy: the token's claims, and the request as `data`.
    case release
    /// An attestation policy, for one kind of attester; the claims of all others are undefined. Without a kind, those of
    /// all kinds are.
    case appraisal(TEE?)

    /// The value at a path of `input` or `data`; `nil` when there is nothing of this name here.
    func operand(_ root: String, _ steps: [CELPath.Step]) -> Operand? {
        switch self {
        case .release: root == "input" ? Self.token(steps) : root == "data" ? Self.request(steps) : nil
        case .appraisal(let tee): root == "input" ? Self.evidence(steps, tee) : nil
        }
    }

    // MARK: - Resource policies

    private static func token(_ steps: [CELPath.Step]) -> Operand? {
        guard case .name(let first)? = steps.first else { return nil }
        switch first {
        case "iss" where steps.count == 1: return .field(CELPath(root: "attestation.issuer"))
        case "submods" where steps.count == 1: return .field(CELPath(root: "submods"))
        case "submods": return submodule(steps[1], Array(steps.dropFirst(2)))
        default: return nil
        }
    }

    private static func submodule(_ name: CELPath.Step, _ steps: [CELPath.Step]) -> Operand? {
        let isPrimary = name == .name("cpu0")
        let whole = CELPath(root: "submods").appending(name)
        guard case .name(let member)? = steps.first else { return steps.isEmpty ? .field(whole) : nil }
        func part(_ here: String) -> CELPath { CELPath(root: isPrimary ? here : "\(whole.text).\(here)") }
        switch member {
        case "ear.status" where steps.count == 1: return .field(part("status"))
        case "ear.trustworthiness-vector":
            return .field(steps.dropFirst().reduce(part("trust")) { $0.appending($1) })
        case "ear.veraison.annotated-evidence":
            return .field(steps.dropFirst().map(renamed).reduce(part("claims")) { $0.appending($1) })
        default: return nil
        }
    }

    /// Tokens of older guests' names carry the present ones here.
    private static func renamed(_ step: CELPath.Step) -> CELPath.Step {
        if case .name(let name) = step, let tee = TEE(wireName: name) { return .name(tee.rawValue) }
        return step
    }

    private static func request(_ steps: [CELPath.Step]) -> Operand? {
        guard case .name(let first)? = steps.first else { return nil }
        switch (first, steps.count) {
        case ("plugin", 1): return .plugin
        case ("resource-path", 1): return .resourcePath
        case ("resource-path", 2):
            guard case .element(let text) = steps[1] else { return nil }
            return Int(text).map(Operand.resourceSegment) ?? .text("request.path[\(text)]")
        case ("query", _): return .field(steps.dropFirst().reduce(CELPath(root: "request.query")) { $0.appending($1) })
        default: return nil
        }
    }

    // MARK: - Attestation policies

    private static let aside: Set<String> = ["init_data", "init_data_claims", "report_data", "runtime_data_claims"]

    private static func evidence(_ steps: [CELPath.Step], _ tee: TEE?) -> Operand? {
        guard case .name(let first)? = steps.first else { return nil }
        let rest = steps.dropFirst()
        if aside.contains(first) { return .field(rest.reduce(CELPath(root: first)) { $0.appending($1) }) }
        guard let named = TEE(wireName: first) else { return nil }
        guard named == tee else { return .undefined }
        return .field(rest.reduce(CELPath(root: "claims")) { $0.appending($1) })
    }
}
