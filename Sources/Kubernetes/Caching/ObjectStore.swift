import Synchronization

/// The objects of a collection as a watch has shown them, with indexes.
///
/// Readers see one consistent state at a time. What they get are values: changing them changes nothing here.
public final class ObjectStore: Sendable {
    /// Under which values an index lists an object. It is called while the store is locked, so it must not ask the store.
    public typealias IndexFunction = @Sendable (KubernetesObject) -> [String]

    private struct State {
        var objects: [ObjectKey: KubernetesObject] = [:]
        var indexes: [String: [String: Set<ObjectKey>]] = [:]
    }

    private let state = Mutex(State())
    private let indexFunctions: [String: IndexFunction]

    /// An empty store.
    ///
    /// - Parameter indexes: the indexes by name.
    public init(indexes: [String: IndexFunction] = [:]) {
        indexFunctions = indexes
    }

    /// The number of objects.
    public var count: Int { state.withLock(\.objects.count) }

    /// The keys of all objects, in no order.
    public var keys: [ObjectKey] { state.withLock { Array($0.objects.keys) } }

    /// All objects, in no order.
    public var all: [KubernetesObject] { state.withLock { Array($0.objects.values) } }

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
        state.withLock { put(object, into: &$0) }
    }

    /// Takes away an object that the server says was deleted; answers what that changed.
    func remove(_ last: KubernetesObject) -> [ObjectChange] {
        let key = ObjectKey(last)
        return state.withLock { state in
            // A deletion that is told twice must not take away what was created under the name since.
            guard let stored = state.objects[key], !stored.isOther(than: last) else { return [] }
            drop(stored, at: key, from: &state)
            return [.deleted(last, isFinal: true)]
        }
    }

    /// Takes a whole collection; what is not in it is gone. Answers what that changed, deletions first.
    func replaceAll(_ objects: [ObjectKey: KubernetesObject]) -> [ObjectChange] {
        state.withLock { state in
            var changes: [ObjectChange] = []
            for (key, stored) in state.objects where objects[key] == nil {
                drop(stored, at: key, from: &state)
                changes.append(.deleted(stored, isFinal: false))
            }
            for object in objects.values { changes += put(object, into: &state) }
            return changes
        }
    }

    private func put(_ object: KubernetesObject, into state: inout State) -> [ObjectChange] {
        let key = ObjectKey(object)
        guard let stored = state.objects[key] else {
            insert(object, at: key, into: &state)
            return [.added(object)]
        }
        // Equal versions of one object are the same state: told twice, or found again by a list.
        if let version = object.resourceVersion, version == stored.resourceVersion, !stored.isOther(than: object) {
            return []
        }
        drop(stored, at: key, from: &state)
        insert(object, at: key, into: &state)
        return stored.isOther(than: object)
            ? [.deleted(stored, isFinal: false), .added(object)] : [.updated(old: stored, new: object)]
    }

    private func insert(_ object: KubernetesObject, at key: ObjectKey, into state: inout State) {
        state.objects[key] = object
        for (name, function) in indexFunctions {
            for value in function(object) { state.indexes[name, default: [:]][value, default: []].insert(key) }
        }
    }

    private func drop(_ object: KubernetesObject, at key: ObjectKey, from state: inout State) {
        state.objects[key] = nil
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
