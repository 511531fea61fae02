import CEL
import Encodings

/// What CEL expressions of webhooks and policies see of a write. There is no `authorizer`.
struct AdmissionExpressions: Sendable {
    static let environment = CELEnvironment(variableNames: [
        "object", "oldObject", "request", "params", "namespaceObject", "variables",
    ])
    private static let costLimit = 10_000_000

    private var values: [String: CELValue]

    init(_ request: AdmissionRequest, params: JSONObject? = nil, _ state: ClusterState) {
        func value(_ object: JSONObject?) -> CELValue { CELValue(object.map(JSONValue.object) ?? .null) }
        let namespace = state.object(BuiltInKinds.namespaces, ObjectKey(namespace: "", name: request.namespace))
        values = [
            "object": value(request.object), "oldObject": value(request.former), "request": value(request.json),
            "params": value(params), "namespaceObject": value(namespace?.json), "variables": .emptyMap,
        ]
    }

    static func program(_ text: String) throws(CELError) -> CELProgram {
        try CELProgram(text, environment: environment)
    }

    func evaluate(_ text: String) throws(CELError) -> CELValue {
        try Self.program(text).evaluate(values, costLimit: Self.costLimit)
    }

    /// Adds a policy's `variables`, each of which sees those before it. One that fails is missing, which matters to whom it
    /// is used by.
    mutating func define(_ variables: [JSONValue]) {
        var known = CELMap()
        for variable in variables {
            guard let name = variable["name"]?.stringValue, let text = variable["expression"]?.stringValue,
                let value = try? evaluate(text)
            else { continue }
            _ = known.insert(value, for: .string(name))
            values["variables"] = .map(known)
        }
    }

    /// Whether all `matchConditions` hold: one that is false decides, and only then one that fails.
    func allHold(_ conditions: [JSONValue]) throws(CELError) -> Bool {
        var failure: CELError?
        for condition in conditions {
            do throws(CELError) {
                guard case .bool(true) = try evaluate(condition["expression"]?.stringValue ?? "") else { return false }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return true
    }
}
