import AdminClient
import Encodings

/// All that the controller ever asks of a broker: it hands over, and asks what became of it.
///
/// Nothing here gives the value of a resource. The controller has no other way to a broker, so whoever takes it over has
/// none either.
protocol BrokerPort: Sendable {
    /// Brings the policies of the controller's source to these.
    func put(
        _ policies: [OutgoingPolicy], fence: Int64
    ) async throws(ControllerError) -> SourceAnswer

    /// Which policies each living replica decides by.
    func replicas() async throws(ControllerError) -> ReplicaStates

    /// Hands over a bundle that was signed elsewhere.
    func put(bundle: [UInt8]) async throws(ControllerError) -> BundleAnswer

    /// Has a secret made, taken over or rotated.
    func put(_ request: SecretRequest) async throws(ControllerError) -> SecretAnswer

    /// Lets go of a secret. That there is none is no error.
    func delete(_ request: SecretRemoval) async throws(ControllerError)
}

/// A policy that goes to the broker.
struct OutgoingPolicy: Sendable, Hashable {
    let key: PolicyKey
    let document: SourcePolicy
}

/// What became of the policies of a source.
struct SourceAnswer: Sendable, Hashable {
    /// The generation of policies in which they are.
    var generation: Int64
    var verdicts: [PolicyKey: PolicyVerdict]

    init(generation: Int64, verdicts: [PolicyKey: PolicyVerdict]) {
        self.generation = generation
        self.verdicts = verdicts
    }

    /// The answer to a request; a verdict belongs to the policy in its place.
    init(_ outcome: SourceOutcome, to policies: [OutgoingPolicy]) throws(ControllerError) {
        guard outcome.documents.count == policies.count else {
            throw ControllerError(
                code: "unexpected", message: "The broker's answer does not speak of each policy that it was sent.")
        }
        generation = outcome.generation
        verdicts = Dictionary(
            zip(policies, outcome.documents).map { ($0.key, PolicyVerdict($1, of: $0.key)) }
        ) { first, _ in first }
    }
}

/// How a policy is called: a kind, a namespace for kinds that have one, and a name.
struct PolicyKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    let kind: String
    /// Nil for what belongs to the whole cluster.
    let namespace: String?
    let name: String

    var description: String { "\(kind)/\(namespace ?? "-")/\(name)" }

    static func < (left: PolicyKey, right: PolicyKey) -> Bool {
        (left.kind, left.namespace ?? "", left.name) < (right.kind, right.namespace ?? "", right.name)
    }
}

/// What the broker thinks of one document.
struct PolicyVerdict: Sendable, Hashable {
    let key: PolicyKey
    var isAccepted: Bool
    var isCompiled: Bool
    /// Why it was refused; nil when it was not.
    var code: String?
    var diagnostics: [String] = []
    /// The policies that leave this one nothing to say.
    var shadowedBy: [String] = []
    /// The reference values that it names and nobody gives.
    var unresolvedReferences: [String] = []
    /// How many resources of now it speaks of; nil when that is not known.
    var matchedResources: Int64?
    /// The SHA-256 (hex) of the version that is in force, if any is.
    var digest: String?

    init(key: PolicyKey, isAccepted: Bool, isCompiled: Bool, code: String? = nil, diagnostics: [String] = []) {
        self.key = key
        self.isAccepted = isAccepted
        self.isCompiled = isCompiled
        self.code = code
        self.diagnostics = diagnostics
    }

    init(_ document: SourceOutcome.Document, of key: PolicyKey) {
        self.key = key
        isAccepted = document.isAccepted
        isCompiled = document.isCompiled
        code = document.code
        let found = document.diagnostics.compactMap { diagnostic in
            diagnostic["message"]?.stringValue.map { message in
                diagnostic["path"]?.stringValue.map { $0.isEmpty ? message : "\($0): \(message)" } ?? message
            }
        }
        diagnostics = found.isEmpty ? [document.message].compactMap(\.self) : found
        shadowedBy = document.shadowedBy
        unresolvedReferences = document.unresolvedReferences
        matchedResources = document.matchesResources.map { Int64($0) }
        digest = document.inForce
    }
}

/// Which policies the living replicas of the broker decide by.
struct ReplicaStates: Sendable, Hashable {
    struct Replica: Sendable, Hashable {
        var generation: Int64
        var problem: String?
    }

    var replicas: [Replica]

    init(_ replicas: [Replica]) { self.replicas = replicas }

    init(json: JSONValue) throws(ControllerError) {
        guard let list = json["replicas"]?.arrayValue else {
            throw ControllerError(code: "unexpected", message: "The broker's answer names no replicas.")
        }
        replicas = list.compactMap { element in
            element["generation"]?.intValue.map {
                Replica(generation: $0, problem: element["problem"]?.stringValue)
            }
        }
    }

    /// How many decide by this generation or a later one, and can use what is stored.
    func count(atLeast generation: Int64) -> Int {
        replicas.count { $0.generation >= generation && $0.problem == nil }
    }

    /// Whether there are any, and all do.
    func haveAll(_ generation: Int64) -> Bool {
        !replicas.isEmpty && count(atLeast: generation) == replicas.count
    }
}

/// What became of a signed bundle.
struct BundleAnswer: Sendable, Hashable {
    var generation: Int64
    var name: String
    var serial: Int64
}
