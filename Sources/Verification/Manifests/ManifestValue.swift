public import Encodings

/// One reference value of a manifest.
public struct ManifestValue: Sendable, Hashable {
    /// The name that the manifest gives it.
    public let name: String
    /// The value: an array when any of its elements will do, mostly of digests in lowercase hex.
    public let value: JSONValue

    /// The longest name, in bytes.
    static let maximumNameBytes = 253
    /// The most values of one manifest.
    static let maximumCount = 4_096

    init(_ name: String, _ value: JSONValue) throws(ManifestError) {
        guard !name.isEmpty, name.utf8.count <= Self.maximumNameBytes, name.printable == name else {
            throw .malformed("The name of a value is empty, too long or not printable.")
        }
        self.name = name
        self.value = value
    }
}

extension [ManifestValue] {
    /// Lists of one name put together, in the order of the first of each; single values cannot be.
    ///
    /// Throws ``ManifestError`` (`malformed_manifest`).
    public func merged() throws(ManifestError) -> [ManifestValue] {
        guard count <= ManifestValue.maximumCount else {
            throw .malformed("It has more than \(ManifestValue.maximumCount) values.")
        }
        var order: [String] = []
        var known: [String: JSONValue] = [:]
        for value in self {
            guard let before = known[value.name] else {
                order.append(value.name)
                known[value.name] = value.value
                continue
            }
            guard let list = before.arrayValue, let more = value.value.arrayValue else {
                throw .malformed("The value '\(value.name)' is given twice.")
            }
            known[value.name] = .array(list + more.filter { !list.contains($0) })
        }
        var merged: [ManifestValue] = []
        for name in order { merged.append(try ManifestValue(name, known[name] ?? .null)) }
        return merged
    }
}
