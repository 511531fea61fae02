public import Encodings
import Storage

extension Broker {
    private static let listedSecrets: Int64 = 1_000

    /// The secrets that a source has, by namespace and name, without values: for letting go of those of a cluster that is gone,
    /// with the `uid` that this takes.
    ///
    /// Answers with `{"source", "isComplete", "secrets": [{"namespace", "name", "uid", "uri", "currentVersion"}]}`; at most a
    /// thousand, and the rest when these are gone. `uid` is null for what somebody changed past the brokers.
    public func sourceSecrets(_ source: String) async throws(BrokerError) -> JSONValue {
        let found = try await storing { () async throws(StorageError) in
            try await secrets.list(ofSource: source, limit: Self.listedSecrets + 1)
        }
        let listed = found.prefix(Int(Self.listedSecrets)).map { namespace, name, secret -> JSONValue in
            let state = secret.flatMap { try? SecretState($0.content) }
            return [
                "namespace": .string(namespace), "name": .string(name), "uid": .optional(state?.uid),
                "uri": .optional(secret?.path.map { "kbs:///\($0)" }),
                "currentVersion": state.map { .int($0.version) } ?? .null,
            ]
        }
        return [
            "source": .string(source), "isComplete": .bool(found.count == listed.count), "secrets": .array(listed),
        ]
    }
}
