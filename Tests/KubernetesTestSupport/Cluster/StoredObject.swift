import Encodings
import Synchronization

/// An object as it stood after one change; its text is made once, for all watchers.
package final class StoredObject: Sendable {
    package let json: JSONObject
    let revision: Int64
    private let text = Mutex<[UInt8]?>(nil)

    init(_ json: JSONObject, revision: Int64) {
        self.json = json
        self.revision = revision
    }

    var serialized: [UInt8] {
        text.withLock { text in
            if let text { return text }
            let made = json.serialized()
            text = made
            return made
        }
    }
}

/// Where an object stands in its table.
struct ObjectKey: Hashable, Comparable, Sendable {
    /// Empty for what belongs to no namespace.
    var namespace: String
    var name: String

    /// The order of lists: by namespace, then by name.
    static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// One change of a table.
struct Change: Sendable {
    enum Kind: String, Sendable { case added = "ADDED", modified = "MODIFIED", deleted = "DELETED" }

    let kind: Kind
    let key: ObjectKey
    /// The object after the change; of a deletion, its last form under the revision of the deletion.
    let object: StoredObject
    let former: StoredObject?
    var revision: Int64 { object.revision }
}

/// All objects of one kind, and their latest changes.
struct ObjectTable: Sendable {
    var kind: ResourceKind
    private(set) var objects: [ObjectKey: StoredObject] = [:]
    private var changes: [Change] = []
    /// The latest revision whose following changes are no longer known.
    private(set) var compacted: Int64

    init(_ kind: ResourceKind, at revision: Int64) {
        self.kind = kind
        compacted = revision
    }

    mutating func record(_ change: Change, keeping limit: Int) {
        objects[change.key] = change.kind == .deleted ? nil : change.object
        changes.append(change)
        // Half is dropped at once, so that dropping costs nothing on average.
        if changes.count > 2 * max(1, limit) { forget(changes.count - limit) }
    }

    private mutating func forget(_ count: Int) {
        guard count > 0 else { return }
        compacted = changes[count - 1].revision
        changes.removeFirst(count)
    }

    /// Forgets everything up to a revision.
    mutating func compact(to revision: Int64) {
        changes.removeAll { $0.revision <= revision }
        compacted = max(compacted, revision)
    }

    /// At most so many changes after a revision, oldest first.
    func changes(after revision: Int64, limit: Int) -> ArraySlice<Change> {
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return changes[low..<min(changes.count, low + limit)]
    }

    /// The objects as they stood at a revision that is not compacted.
    func snapshot(at revision: Int64) -> [ObjectKey: StoredObject] {
        var result = objects
        for change in changes.reversed() {
            guard change.revision > revision else { break }
            result[change.key] = change.former
        }
        return result
    }
}
