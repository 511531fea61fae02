import Encodings
import FoundationEssentials
import Policy
import RATS
import Storage

/// The policies and reference values of one generation, compiled.
struct CompiledPolicies: Sendable {
    /// The counter that every change of policies and reference values raises.
    let generation: Int64
    let bundle: PolicyBundle
    /// When the first of the registered reference values ceases to count, after which this must be made anew.
    let staleAt: Date?

    static let empty = CompiledPolicies(generation: -1, bundle: .empty, staleAt: nil)

    private init(generation: Int64, bundle: PolicyBundle, staleAt: Date?) {
        self.generation = generation
        self.bundle = bundle
        self.staleAt = staleAt
    }

    /// Compiles what is stored; reference values that have expired do not count.
    init(_ snapshot: PolicySnapshot, at now: Date) throws(PolicyError) {
        var documents: [PolicyDocument] = []
        for policy in snapshot.policies {
            documents += try PolicyParser.parse(policy.text, source: policy.key.description)
        }
        self.init(
            generation: snapshot.generation,
            bundle: try PolicyBundle(documents, registered: Self.registered(snapshot, at: now)),
            staleAt: Self.live(snapshot, at: now).compactMap(\.expires).min())
    }

    /// The registered reference values that count at `now`.
    static func registered(_ snapshot: PolicySnapshot, at now: Date) -> ReferenceValues {
        var values: [String: JSONValue] = [:]
        for value in live(snapshot, at: now) { values[value.name] = try? JSONValue(parsing: value.value) }
        return ReferenceValues(values)
    }

    private static func live(_ snapshot: PolicySnapshot, at now: Date) -> [StoredReferenceValue] {
        snapshot.referenceValues.filter { $0.expires.map { now < $0 } ?? true }
    }

    func isCurrent(generation: Int64, at now: Date) -> Bool {
        self.generation >= generation && !isStale(at: now)
    }

    func isStale(at now: Date) -> Bool {
        staleAt.map { $0 <= now } ?? false
    }
}
