import Encodings

extension JSONValue {
    /// The value with a JSON merge patch applied (RFC 7396): members replace members, `null` removes them.
    func merging(patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var result = objectValue ?? JSONObject()
        for (name, change) in changes {
            result[name] = change.isNull ? nil : (result[name] ?? .null).merging(patch: change)
        }
        return .object(result)
    }
}
