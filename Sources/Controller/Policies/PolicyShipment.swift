import AdminClient
import Encodings
import Kubernetes
import Policy

/// What goes to the broker in one request: no more than a broker reads, in an order in which nobody pushes others out.
///
/// What is not sent counts as deleted. So an object whose text does not fit, or cannot be read, is named all the same: by a
/// document that says nothing, which the broker refuses, and whose earlier version it keeps.
struct PolicyShipment: Sendable {
    /// The bounds of a request, which the broker sets.
    struct Limits: Sendable {
        /// The most documents of a request.
        var documents = 16_000
        /// The most bytes of their JSON: a broker's 32 MiB without what stands around them.
        var bytes = 33_554_432 - 65_536
        /// The most bytes of one document's text.
        var bytesOfDocument = PolicyParser.maximumDocumentBytes
    }

    /// Why an object does not go as it is.
    struct Hindrance: Sendable, Hashable {
        /// A stable word, as the broker's codes are.
        let code: String
        /// A sentence for whoever wrote the policy.
        let message: String
    }

    private(set) var documents: [OutgoingPolicy] = []
    /// The objects that are only named, or not sent at all.
    private(set) var hindrances: [PolicyKey: Hindrance] = [:]

    init(_ entries: [PolicyKey: PolicyCatalogue.Entry], limits: Limits = Limits()) {
        let ordered = Self.inTurn(entries)
        let names = ordered.prefix(limits.documents).map { PolicyCatalogue.naming($0.key, $0.value) }
        var left = limits.bytes - names.reduce(0) { $0 + $1.document.bytesOfJSON }
        for (name, (key, entry)) in zip(names, ordered) {
            let whole = PolicyCatalogue.outgoing(key, entry)
            let more = whole.document.bytesOfJSON - name.document.bytesOfJSON
            let hindrance = Self.hindrance(to: whole, of: entry.object, limits) ?? (more <= left ? nil : Self.noRoom)
            if hindrance == nil { left -= more }
            hindrances[key] = hindrance
            documents.append(hindrance == nil ? whole : name)
        }
        for (key, _) in ordered.dropFirst(limits.documents) { hindrances[key] = Self.tooMany(limits) }
    }

    /// What the broker said, and what it was not asked.
    func completing(_ answer: SourceAnswer) -> SourceAnswer {
        var answer = answer
        for (key, hindrance) in hindrances {
            var verdict = PolicyVerdict(
                key: key, isAccepted: false, isCompiled: false, code: hindrance.code, diagnostics: [hindrance.message])
            verdict.digest = answer.verdicts[key]?.digest
            answer.verdicts[key] = verdict
        }
        return answer
    }

    /// First what belongs to the whole cluster, then one object of every namespace, then another of each. The oldest come
    /// first, so that what is new never takes the place of what was there.
    private static func inTurn(
        _ entries: [PolicyKey: PolicyCatalogue.Entry]
    ) -> [(key: PolicyKey, value: PolicyCatalogue.Entry)] {
        var turns: [String: Int] = [:]
        var placed: [(turn: Int, place: Int, entry: (key: PolicyKey, value: PolicyCatalogue.Entry))] = []
        let byAge = entries.sorted { ($0.value.created, $0.key) < ($1.value.created, $1.key) }
        for (place, entry) in byAge.enumerated() {
            var turn = 0
            if let namespace = entry.key.namespace {
                turn = turns[namespace, default: 0] + 1
                turns[namespace] = turn
            }
            placed.append((turn, place, entry))
        }
        return placed.sorted { ($0.turn, $0.place) < ($1.turn, $1.place) }.map(\.entry)
    }

    private static func hindrance(
        to policy: OutgoingPolicy, of object: KubernetesObject, _ limits: Limits
    ) -> Hindrance? {
        if let reason = object.unreadable {
            return Hindrance(code: "unreadable", message: "\(reason) What it says is not sent to the broker.")
        }
        let size = policy.document.text.utf8.count
        guard size > limits.bytesOfDocument else { return nil }
        return Hindrance(
            code: "too_large", message: "It has \(size) bytes; a broker takes \(limits.bytesOfDocument) at most.")
    }

    private static let noRoom = Hindrance(
        code: "no_room",
        message:
            "The policies of this cluster have more bytes than a broker reads at a time, and older ones come first.")

    private static func tooMany(_ limits: Limits) -> Hindrance {
        Hindrance(
            code: "too_many_documents",
            message: "This cluster has more than \(limits.documents) policies, and older ones come first. "
                + "No broker decides by this one.")
    }
}

extension PolicyCatalogue.Entry {
    /// When the API server created it (RFC 3339, UTC): such times sort as text.
    fileprivate var created: String { object.metadata["creationTimestamp"]?.stringValue ?? "" }
}

extension SourcePolicy {
    /// How much of a request it takes, at most.
    fileprivate var bytesOfJSON: Int {
        // The names of the members, and two numbers.
        var count = 96 + (uid?.utf8.count ?? 0)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): count += 2
            case 0..<0x20: count += 6
            default: count += 1
            }
        }
        return count
    }
}
