import Encodings

/// Objects by key, never more of a namespace than the bounds allow.
struct BoundedObjects: Sendable {
    private struct Kept: Sendable {
        let object: KubernetesObject
        let bytes: Int
        /// Whether the object was left out in part for want of room, which may be there later.
        let wantsRoom: Bool
    }

    private struct Usage: Sendable {
        var bytes = 0
        var objects = 0
    }

    private let bounds: CacheBounds
    private var kept: [ObjectKey: Kept] = [:]
    private var usage: [String: Usage] = [:]
    private var crowded = 0
    /// Whether an object was not kept at all.
    private var hasRefused = false

    init(_ bounds: CacheBounds) {
        self.bounds = bounds
    }

    var count: Int { kept.count }
    var keys: [ObjectKey] { Array(kept.keys) }
    var all: [KubernetesObject] { kept.values.map(\.object) }
    /// Whether something is missing that another reading of the collection might find room for.
    var isCrowded: Bool { crowded > 0 || hasRefused }

    subscript(_ key: ObjectKey) -> KubernetesObject? { kept[key]?.object }

    /// Keeps an object in place of what there was under its key; answers what is kept of it, nil when nothing is.
    mutating func put(_ object: KubernetesObject) -> KubernetesObject? {
        let key = ObjectKey(object)
        remove(key)
        let namespace = key.namespace ?? ""
        let used = usage[namespace] ?? Usage()
        guard used.objects < bounds.namespaceObjects else {
            hasRefused = true
            return nil
        }
        let whole = object.json.memoryBytes
        let entry: Kept
        if whole > bounds.objectBytes {
            let rest = object.reduced(because: "It takes more than \(bounds.objectBytes) bytes once it is read.")
            entry = Kept(object: rest, bytes: rest.json.memoryBytes, wantsRoom: false)
        } else if used.bytes + whole > bounds.namespaceBytes {
            let rest = object.reduced(
                because: "Its namespace's objects take more than \(bounds.namespaceBytes) bytes once they are read.")
            entry = Kept(object: rest, bytes: rest.json.memoryBytes, wantsRoom: true)
        } else {
            entry = Kept(object: object, bytes: whole, wantsRoom: false)
        }
        kept[key] = entry
        usage[namespace] = Usage(bytes: used.bytes + entry.bytes, objects: used.objects + 1)
        crowded += entry.wantsRoom ? 1 : 0
        return entry.object
    }

    /// Forgets what there is under a key.
    mutating func remove(_ key: ObjectKey) {
        guard let entry = kept.removeValue(forKey: key) else { return }
        let namespace = key.namespace ?? ""
        crowded -= entry.wantsRoom ? 1 : 0
        guard var used = usage[namespace] else { return }
        used.bytes -= entry.bytes
        used.objects -= 1
        usage[namespace] = used.objects == 0 ? nil : used
    }
}

extension KubernetesObject {
    /// What it takes to name the object and to tell on it why no more of it is kept.
    fileprivate func reduced(because reason: String) -> KubernetesObject {
        var metadata: JSONObject = [:]
        for member in [
            "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
            "finalizers",
        ] {
            metadata[member] = self.metadata[member]
        }
        var rest: JSONObject = ["metadata": .object(metadata)]
        for member in ["apiVersion", "kind"] { rest[member] = json[member] }
        // What was told on it before must not be told again and again; a large status is not this program's.
        if let status = json["status"], status.memoryBytes <= Self.keptStatusBytes { rest["status"] = status }
        var object = KubernetesObject(json: rest)
        object.unreadable = unreadable ?? reason
        return object
    }

    private static let keptStatusBytes = 16_384
}

extension JSONObject {
    /// About how many bytes the members take in memory.
    var memoryBytes: Int {
        var bytes = 0
        for (name, value) in self { bytes += 32 + name.utf8.count + value.memoryBytes }
        return bytes
    }
}

extension JSONValue {
    /// About how many bytes the value takes in memory, with what it refers to. Each array and object is a block of its own,
    /// so that many small ones take far more than their text.
    var memoryBytes: Int {
        switch self {
        case .null, .bool, .int, .uint, .double: 24
        case .string(let text): 24 + (text.utf8.count > 15 ? 32 + text.utf8.count : 0)
        case .array(let elements): elements.reduce(56) { $0 + $1.memoryBytes }
        case .object(let members): 120 + members.memoryBytes
        }
    }
}
