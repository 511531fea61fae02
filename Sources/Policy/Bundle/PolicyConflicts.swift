public import RATS

/// Finds whose fault it is when documents that are right by themselves are not right together: two of them give one name of a
/// reference value in one scope.
///
/// The time it takes grows with the number of values, however many are in conflict.
public struct PolicyConflicts {
    /// A document that is to take the place of a former one, or to be new.
    public struct Change: Sendable {
        /// The new document.
        public let document: PolicyDocument
        /// What stays in force when the new one is refused.
        public let former: PolicyDocument?

        /// A change from its parts.
        public init(_ document: PolicyDocument, former: PolicyDocument?) {
            self.document = document
            self.former = former
        }
    }

    private struct Slot: Hashable, Comparable {
        let namespace: String?
        let name: String

        static func < (left: Slot, right: Slot) -> Bool {
            (left.namespace ?? "", left.name) < (right.namespace ?? "", right.name)
        }
    }

    private struct Holders {
        /// Whoever gives the value and does not change.
        var settled: String?
        /// Numbers of the changes that give it.
        var changes: Set<Int> = []

        var areInConflict: Bool { changes.count + (settled == nil ? 0 : 1) > 1 }
    }

    private let changes: [Change]
    private var holders: [Slot: Holders] = [:]
    private var refusals: [Int: PolicyDiagnostic] = [:]

    /// The changes that cannot be made, by their place in `changes`, with the reason.
    ///
    /// Who gives a name already keeps it. Of several that take a new name at the same time none gets it: nobody can say which
    /// is meant. The same changes give the same answer, in whatever order they come.
    ///
    /// - Parameters:
    ///   - changes: What is to change.
    ///   - others: Documents that stay as they are.
    ///   - registered: Reference values from the registration endpoint.
    public static func refusals(
        of changes: [Change], beside others: [PolicyDocument], registered: ReferenceValues
    ) -> [Int: PolicyDiagnostic] {
        var conflicts = PolicyConflicts(changes, others, registered)
        conflicts.resolve()
        return conflicts.refusals
    }

    private init(_ changes: [Change], _ others: [PolicyDocument], _ registered: ReferenceValues) {
        self.changes = changes
        for name in registered.names {
            holders[Slot(namespace: nil, name: name), default: Holders()].settled = ReferenceValueTable.registeredOwner
        }
        for document in others { settle(document) }
        for (index, change) in changes.enumerated() {
            for slot in Self.slots(of: change.document) { holders[slot, default: Holders()].changes.insert(index) }
        }
    }

    private mutating func settle(_ document: PolicyDocument) {
        for slot in Self.slots(of: document) { holders[slot, default: Holders()].settled = document.identifier }
    }

    private mutating func resolve() {
        var queue = holders.filter { $0.value.areInConflict }.keys.sorted()
        while let slot = queue.popLast() {
            guard let found = holders[slot], found.areInConflict else { continue }
            let names = found.changes.map { (index: $0, name: changes[$0].document.identifier) }
                .sorted { $0.name < $1.name }
            let incumbent =
                found.settled == nil ? names.first { Self.gives(slot, changes[$0.index].former) } : nil
            for (index, _) in names where index != incumbent?.index {
                let owner = found.settled ?? incumbent?.name ?? names.first { $0.index != index }?.name ?? ""
                queue += refuse(index, slot, owner, isTaken: found.settled != nil || incumbent != nil)
            }
        }
    }

    /// Refuses a change and lets the former document stand again; returns the names that this puts into question.
    private mutating func refuse(_ index: Int, _ slot: Slot, _ owner: String, isTaken: Bool) -> [Slot] {
        let change = changes[index]
        refusals[index] = Self.diagnostic(change.document, slot.name, owner, isTaken: isTaken)
        for slot in Self.slots(of: change.document) { holders[slot]?.changes.remove(index) }
        guard let former = change.former else { return [] }
        settle(former)
        return Self.slots(of: former).filter { holders[$0]?.areInConflict ?? false }.sorted()
    }

    private static func slots(of document: PolicyDocument) -> Set<Slot> {
        guard case .referenceValues(let spec) = document.spec else { return [] }
        // Whoever revokes a value does not give it.
        return Set(
            spec.values.lazy.filter { $0.state != .revoked }.map {
                Slot(namespace: document.namespace, name: $0.name)
            })
    }

    private static func gives(_ slot: Slot, _ document: PolicyDocument?) -> Bool {
        document.map { slots(of: $0).contains(slot) } ?? false
    }

    private static func diagnostic(
        _ document: PolicyDocument, _ name: String, _ owner: String, isTaken: Bool
    ) -> PolicyDiagnostic {
        var position = SourcePosition(line: document.line, column: 1)
        if case .referenceValues(let spec) = document.spec,
            let entry = spec.values.first(where: { $0.name == name && $0.state != .revoked })
        {
            position = entry.position
        }
        let end = isTaken ? "." : ", which is as new: neither counts."
        return PolicyDiagnostic(
            code: "duplicate_name", source: document.source, line: position.line, column: position.column,
            path: "spec.values", message: "The reference value '\(name)' is also in \(owner)\(end)",
            hint: "a name has one value in a namespace, and one in the cluster")
    }
}
