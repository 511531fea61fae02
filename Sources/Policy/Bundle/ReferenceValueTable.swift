import CEL
import Encodings
import FoundationEssentials
import RATS

/// What came of asking for a reference value.
enum ReferenceLookup: Sendable {
    case value(CELValue)
    /// There is none that counts; the sentence says why.
    case missing(String)
}

/// All reference values of a bundle, by scope and name.
struct ReferenceValueTable: Sendable {
    private struct Entry: Sendable {
        let value: CELValue
        let state: ReferenceValueState
        let validFrom: Date?
        let validUntil: Date?
    }

    /// `nil` is the scope of the cluster.
    private var entries: [String?: [String: Entry]] = [nil: [:]]

    /// Values from documents and from the registration endpoint; a name that stands twice in one scope is an error.
    init(_ documents: [PolicyDocument], registered: ReferenceValues, errors: inout [PolicyDiagnostic]) {
        var owners: [String?: [String: String]] = [:]
        for name in registered.names {
            guard let value = registered[name] else { continue }
            entries[nil, default: [:]][name] = Entry(
                value: CELValue(value), state: .accepted, validFrom: nil, validUntil: nil)
            owners[nil, default: [:]][name] = "the registered reference values"
        }
        for document in documents {
            guard case .referenceValues(let spec) = document.spec else { continue }
            for entry in spec.values {
                if let owner = owners[document.namespace]?[entry.name] {
                    errors.append(Self.conflict(entry, in: document, with: owner))
                    continue
                }
                owners[document.namespace, default: [:]][entry.name] = document.identifier
                entries[document.namespace, default: [:]][entry.name] = Entry(
                    value: CELValue(entry.value), state: entry.state, validFrom: entry.validFrom,
                    validUntil: entry.validUntil)
            }
        }
    }

    /// The value of a name at a time: that of the namespace when there is one, else that of the cluster.
    func lookup(_ name: String, namespace: String?, now: Date) -> ReferenceLookup {
        let own = namespace.flatMap { entries[$0]?[name] }
        guard let entry = own ?? entries[nil]?[name] else {
            return .missing("There is no reference value '\(name)'.")
        }
        guard entry.state.counts else { return .missing("The reference value '\(name)' is \(entry.state.rawValue).") }
        if let from = entry.validFrom, now < from {
            return .missing("The reference value '\(name)' counts only from \(TimestampText.text(from)).")
        }
        if let until = entry.validUntil, now >= until {
            return .missing("The reference value '\(name)' counted only until \(TimestampText.text(until)).")
        }
        return .value(entry.value)
    }

    private static func conflict(
        _ entry: ReferenceValueEntry, in document: PolicyDocument, with owner: String
    ) -> PolicyDiagnostic {
        PolicyDiagnostic(
            code: "duplicate_name", source: document.source, line: entry.position.line, column: entry.position.column,
            path: "spec.values", message: "The reference value '\(entry.name)' is also in \(owner).",
            hint: "keep one of them, or rename one")
    }
}
