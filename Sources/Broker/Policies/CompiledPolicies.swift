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
    /// The signed bundles among them.
    let bundles: [AppliedBundle]
    /// When the first of the registered reference values ceases to count, after which this must be made anew.
    let staleAt: Date?

    static let empty = CompiledPolicies(generation: -1, bundle: .empty, bundles: [], staleAt: nil)

    private init(generation: Int64, bundle: PolicyBundle, bundles: [AppliedBundle], staleAt: Date?) {
        self.generation = generation
        self.bundle = bundle
        self.bundles = bundles
        self.staleAt = staleAt
    }

    /// Compiles what is stored, after it was found to be what brokers stored and to be signed as it must be; reference
    /// values that have expired do not count. Documents that are in `known` with the same digest are not read again.
    init(
        _ snapshot: PolicySnapshot, _ signatures: PolicySignatures, at now: Date, known: PolicyBundle = .empty
    ) throws(PolicyLoadFailure) {
        guard snapshot.violations.isEmpty else {
            throw PolicyLoadFailure(.unauthentic, snapshot.violations.joined(separator: " "))
        }
        let (documents, bundles) =
            signatures.isRequired ? try Self.signed(snapshot, signatures) : try Self.stored(snapshot, known)
        let bundle: PolicyBundle
        do throws(PolicyError) {
            bundle = try PolicyBundle(documents, registered: Self.registered(snapshot, at: now))
        } catch {
            throw PolicyLoadFailure(.invalid, error.description)
        }
        self.init(
            generation: snapshot.generation, bundle: bundle, bundles: bundles,
            staleAt: Self.live(snapshot, at: now).compactMap(\.expires).min())
    }

    private static func stored(
        _ snapshot: PolicySnapshot, _ known: PolicyBundle
    ) throws(PolicyLoadFailure) -> ([PolicyDocument], [AppliedBundle]) {
        let known = KnownDocuments(known)
        var documents: [PolicyDocument] = []
        for policy in snapshot.policies {
            if let document = known.document(policy) {
                documents.append(document)
            } else {
                documents.append(try policy.document())
            }
        }
        let bundles = snapshot.bundles.map { stored in
            let origin = NewPolicyBundle.origin(stored.name)
            return AppliedBundle(
                name: stored.name, serial: stored.content.serial, digest: stored.content.digest,
                documents: snapshot.policies.count { $0.origin == origin }, signers: [], stored: stored)
        }
        return (documents, bundles)
    }

    /// The documents of the bundles, read from what was signed; the rows beside them must say the same and no more.
    private static func signed(
        _ snapshot: PolicySnapshot, _ signatures: PolicySignatures
    ) throws(PolicyLoadFailure) -> ([PolicyDocument], [AppliedBundle]) {
        var documents: [PolicyDocument] = []
        var bundles: [AppliedBundle] = []
        for stored in snapshot.bundles {
            let verified = try VerifiedBundle(stored, signatures)
            documents += verified.documents
            bundles.append(verified.applied)
        }
        let signed = Dictionary(documents.map { ($0.key, $0.newPolicy) }) { first, _ in first }
        let uncovered =
            snapshot.policies.filter { signed[$0.key] != $0.content }.map(\.key.description)
            + snapshot.referenceValues.map { "the reference value \($0.name)" }
        guard uncovered.isEmpty else {
            throw PolicyLoadFailure(.unsigned, "In no signed bundle: \(uncovered.joined(separator: ", ")).")
        }
        guard snapshot.policies.count == documents.count else {
            throw PolicyLoadFailure(.unsigned, "Documents of signed bundles are missing.")
        }
        return (documents, bundles)
    }

    /// Why this must not follow `known` on one broker: a signed bundle of it is older or gone.
    func setback(from known: CompiledPolicies) -> String? {
        for earlier in known.bundles {
            guard let later = bundles.first(where: { $0.name == earlier.name }) else {
                return "The bundle \(earlier.name) is gone; it had the serial \(earlier.serial)."
            }
            guard later.serial >= earlier.serial else {
                return "The bundle \(earlier.name) has the serial \(later.serial); it had \(earlier.serial)."
            }
        }
        return nil
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
