public import Encodings

/// Named values that measurements are compared with.
public struct ReferenceValues: Sendable, Hashable {
    private let values: [String: JSONValue]

    /// Reference values by name.
    public init(_ values: [String: JSONValue] = [:]) {
        self.values = values
    }

    /// The value of this name, or `nil` when none is registered.
    public subscript(name: String) -> JSONValue? {
        values[name]
    }

    /// All names, sorted.
    public var names: [String] {
        values.keys.sorted()
    }
}
