public import Encodings
import Policy

extension Broker {
    /// The policies in force that ask for a reference value, and whether each gets one now:
    /// `{"name": …, "users": [{"policy": …, "namespace": …, "paths": […], "missing": …}]}`.
    public func referenceValueUsers(_ name: String) async throws(BrokerError) -> JSONValue {
        let current = try await policies.current()
        let users = current.bundle.users(ofReferenceValue: name, at: environment.clock.now())
        return [
            "name": .string(name),
            "users": .array(
                users.map { user in
                    [
                        "policy": .string(user.policy), "namespace": .optional(user.namespace),
                        "paths": .array(user.paths.map { .string($0) }), "missing": .optional(user.missing),
                    ]
                }),
        ]
    }
}
