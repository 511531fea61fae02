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
    static let registeredOwner = "the registered reference values"

    /// `nil` is the scope of the cluster.
    private(set) var slots: [String?: [String: ReferenceValueSlot]] = [nil: [:]]
    private var hasNotes = false

    /// Values from documents and from the registration endpoint. A name that two of them give in one scope is an error,
    /// except to revoke.
    init(_ documents: [PolicyDocument], registered: ReferenceValues, errors: inout [PolicyDiagnostic]) {
        var owners: [String?: [String: String]] = [:]
        for name in registered.names {
            guard let value = registered[name] else { continue }
            slots[nil, default: [:]][name, default: ReferenceValueSlot()].add(.init(registered: value))
            owners[nil, default: [:]][name] = Self.registeredOwner
        }
        for document in documents {
            guard case .referenceValues(let spec) = document.spec else { continue }
            for entry in spec.values {
                if entry.state != .revoked {
                    if let owner = owners[document.namespace]?[entry.name], owner != document.identifier {
                        errors.append(Self.conflict(entry, in: document, with: owner))
                        continue
                    }
                    owners[document.namespace, default: [:]][entry.name] = document.identifier
                }
                let stored = ReferenceValueSlot.Entry(entry, owner: document.identifier)
                slots[document.namespace, default: [:]][entry.name, default: ReferenceValueSlot()].add(stored)
                if stored.notes != nil { hasNotes = true }
            }
        }
    }

    /// The value of a name at a time: that of the namespace when it has one, else that of the cluster, in either case
    /// without what is revoked in one of the two.
    func lookup(_ name: String, namespace: String?, now: Date) -> ReferenceLookup {
        let own = namespace.flatMap { slots[$0]?[name] }
        let cluster = slots[nil]?[name]
        let entries = Self.chosen(own, cluster)
        guard let first = entries.first else {
            let isRevoked = own?.revokedBy != nil || cluster?.revokedBy != nil
            return .missing(
                isRevoked ? "The reference value '\(name)' is revoked." : "There is no reference value '\(name)'.")
        }
        let revoked = [own, cluster].compactMap { $0?.revoked }.filter { !$0.isEmpty }
        if entries.count == 1, revoked.isEmpty {
            if let flaw = first.flaw(now) { return .missing("The reference value '\(name)' \(flaw).") }
            return .value(first.value)
        }
        return Self.merged(name, entries, revoked, now: now)
    }

    /// What explanations should say about the values of these names that count.
    func notes(_ names: [String], namespace: String?, now: Date) -> [String] {
        guard hasNotes else { return [] }
        return names.flatMap { name -> [String] in
            let entries = Self.chosen(namespace.flatMap { slots[$0]?[name] }, slots[nil]?[name])
            return entries.compactMap { entry -> String? in
                guard entry.flaw(now) == nil, let notes = entry.notes else { return nil }
                return "The reference value '\(name)' \(notes)."
            }
        }
    }

    private static func chosen(
        _ own: ReferenceValueSlot?, _ cluster: ReferenceValueSlot?
    ) -> [ReferenceValueSlot.Entry] {
        if let own, !own.entries.isEmpty { return own.entries }
        return cluster?.entries ?? []
    }

    private static func merged(
        _ name: String, _ entries: [ReferenceValueSlot.Entry], _ revoked: [[String: String]], now: Date
    ) -> ReferenceLookup {
        func revoker(_ value: JSONValue) -> String? {
            let key = ReferenceValueSlot.key(value)
            return revoked.lazy.compactMap { $0[key] }.first
        }
        let counting = entries.filter { $0.flaw(now) == nil }
        guard let first = counting.first else {
            return .missing(
                "The reference value '\(name)' \(entries.compactMap { $0.flaw(now) }.joined(separator: ", "))."
            )
        }
        guard first.isList else {
            if let owner = revoker(first.json) {
                return .missing("The reference value '\(name)' is revoked by \(owner).")
            }
            return .value(first.value)
        }
        let all = counting.flatMap { $0.json.arrayValue ?? [] }
        let left = all.filter { revoker($0) == nil }
        // A list of which nothing is left is none: it must not be taken for one that was meant to be empty.
        if left.isEmpty, let owner = all.lazy.compactMap(revoker).first {
            return .missing("Every value of the reference value '\(name)' is revoked, the first by \(owner).")
        }
        return .value(CELValue(.array(left)))
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
