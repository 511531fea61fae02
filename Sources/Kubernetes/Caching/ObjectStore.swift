import Synchronization

/// The objects of a collection as a watch has shown them, with indexes.
///
/// Readers see one consistent state at a time. What they get are values: changing them changes nothing here.
public final class ObjectStore: Sendable {
    /// Under which values an index lists an object. It is called while the store is locked, so it must not ask the store.
    public typealias IndexFunction = @Sendable (KubernetesObject) -> [String]

    private struct State {
        var objects: BoundedObjects
        var indexes: [String: [String: Set<ObjectKey>]] = [:]
    }

    let bounds: CacheBounds
    private let state: Mutex<State>
    private let indexFunctions: [String: IndexFunction]

    /// An empty store.
    ///
    /// - Parameters:
    ///   - bounds: how much of each namespace is kept.
    ///   - indexes: the indexes by name.
    public init(bounds: CacheBounds = CacheBounds(), indexes: [String: IndexFunction] = [:]) {
        self.bounds = bounds
        state = Mutex(State(objects: BoundedObjects(bounds)))
        indexFunctions = indexes
    }

    /// The number of objects.
    public var count: Int { state.withLock(\.objects.count) }

    /// The keys of all objects, in no order.
    public var keys: [ObjectKey] { state.withLock(\.objects.keys) }

    /// All objects, in no order.
    public var all: [KubernetesObject] { state.withLock(\.objects.all) }

    /// Whether something is missing that another reading of the collection might find room for.
    var isCrowded: Bool { state.withLock(\.objects.isCrowded) }

    /// The object of that key.
    public subscript(_ key: ObjectKey) -> KubernetesObject? { state.withLock { $0.objects[key] } }

    /// The objects that an index lists under a value, in no order; none when there is no such index.
    public func objects(_ index: String, _ value: String) -> [KubernetesObject] {
        state.withLock { state in
            (state.indexes[index]?[value] ?? []).compactMap { state.objects[$0] }
        }
    }

    /// The keys that an index lists under a value, in no order; none when there is no such index.
    public func keys(_ index: String, _ value: String) -> Set<ObjectKey> {
        state.withLock { $0.indexes[index]?[value] ?? [] }
    }

    /// Takes an object as it is now; answers what that changed.
    func update(_ object: KubernetesObject) -> [ObjectChange] {
        state.withLock { state in
            let key = ObjectKey(object)
            let stored = state.objects[key]
            if let stored { unlist(stored, at: key, from: &state) }
            let kept = state.objects.put(object)
            if let kept { list(kept, at: key, in: &state) }
            return Self.changes(from: stored, to: kept)
        }
    }

    /// Takes away an object that the server says was deleted; answers what that changed.
    func remove(_ last: KubernetesObject) -> [ObjectChange] {
        let key = ObjectKey(last)
        return state.withLock { state in
            // A deletion that is told twice must not take away what was created under the name since.
            guard let stored = state.objects[key], !stored.isOther(than: last) else { return [] }
            unlist(stored, at: key, from: &state)
            state.objects.remove(key)
            return [.deleted(last, isFinal: true)]
        }
    }

    /// Takes a whole collection; what is not in it is gone. Answers what that changed, deletions first.
    func replaceAll(_ objects: BoundedObjects) -> [ObjectChange] {
        state.withLock { state in
            var changes: [ObjectChange] = []
            for key in state.objects.keys {
                guard let stored = state.objects[key] else { continue }
                unlist(stored, at: key, from: &state)
                if objects[key] == nil { changes.append(.deleted(stored, isFinal: false)) }
            }
            let former = state.objects
            state.objects = objects
            for object in objects.all {
                let key = ObjectKey(object)
                list(object, at: key, in: &state)
                changes += Self.changes(from: former[key], to: object)
            }
            return changes
        }
    }

    private static func changes(from stored: KubernetesObject?, to kept: KubernetesObject?) -> [ObjectChange] {
        switch (stored, kept) {
        case (nil, nil): return []
        case (nil, let kept?): return [.added(kept)]
        case (let stored?, nil): return [.deleted(stored, isFinal: false)]
        case (let stored?, let kept?):
            if stored.isOther(than: kept) { return [.deleted(stored, isFinal: false), .added(kept)] }
            // Equal versions of one object are the same state: told twice, or found again by a list. Unless there was no
            // room for all of it before.
            let isSame = kept.resourceVersion != nil && kept.resourceVersion == stored.resourceVersion
            return isSame && kept.unreadable == stored.unreadable ? [] : [.updated(old: stored, new: kept)]
        }
    }

    private func list(_ object: KubernetesObject, at key: ObjectKey, in state: inout State) {
        for (name, function) in indexFunctions {
            for value in function(object) { state.indexes[name, default: [:]][value, default: []].insert(key) }
        }
    }

    private func unlist(_ object: KubernetesObject, at key: ObjectKey, from state: inout State) {
        for (name, function) in indexFunctions {
            for value in function(object) {
                state.indexes[name]?[value]?.remove(key)
                if state.indexes[name]?[value]?.isEmpty == true { state.indexes[name]?[value] = nil }
            }
        }
    }
}

extension KubernetesObject {
    /// Whether this is another object than the one of the same name: deleted and created anew between.
    fileprivate func isOther(than object: KubernetesObject) -> Bool {
        guard let uid, let other = object.uid else { return false }
        return uid != other
    }
}
