import Encodings

/// The changes of a pod, as they are found (RFC 6902).
struct PodPatch: Sendable {
    private(set) var operations: [JSONValue] = []

    mutating func add(_ pointer: String, _ value: JSONValue) {
        operations.append(["op": "add", "path": .string(pointer), "value": value])
    }

    mutating func remove(_ pointer: String) {
        operations.append(["op": "remove", "path": .string(pointer)])
    }

    /// Appends to a list, which is made when it is not there.
    mutating func append(_ values: [JSONValue], to pointer: String, exists: Bool) {
        guard !values.isEmpty else { return }
        guard exists else { return add(pointer, .array(values)) }
        for value in values { add(pointer + "/-", value) }
    }

    /// A member's name as a step of a pointer (RFC 6901).
    static func step(_ name: String) -> String {
        name.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}
