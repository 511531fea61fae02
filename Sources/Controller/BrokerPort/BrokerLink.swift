import AdminClient
import Encodings
import Policy

/// The broker's admin routes, as the controller uses them.
struct BrokerLink: BrokerPort {
    /// The name under which the broker keeps apart what comes from here.
    let source: String
    let client: AdminClient
    private let requests = RequestCounter()

    init(source: String, client: AdminClient) {
        self.source = source
        self.client = client
    }

    func put(_ policies: [OutgoingPolicy], fence: Int64) async throws(ControllerError) -> SourceAnswer {
        let outcome = try await asking { () async throws(AdminClientError) in
            try await client.setSourcePolicies(
                source: source, fence: fence, sequence: requests.next(), documents: policies.map(\.document))
        }
        return try SourceAnswer(outcome, to: policies)
    }

    func replicas() async throws(ControllerError) -> ReplicaStates {
        try ReplicaStates(json: await status())
    }

    func put(bundle: [UInt8]) async throws(ControllerError) -> BundleAnswer {
        let answer = try await asking { () async throws(AdminClientError) in try await client.applyBundle(bundle) }
        guard let name = answer["bundle"]?["name"]?.stringValue, let serial = answer["bundle"]?["serial"]?.intValue
        else {
            throw ControllerError(code: "unexpected", message: "The broker's answer does not name the bundle.")
        }
        let bundles = try await status()["bundles"]?.arrayValue ?? []
        let generation = bundles.first { $0["name"]?.stringValue == name }?["generation"]?.intValue
        guard let generation else {
            throw ControllerError(
                code: "unexpected", message: "The broker took the bundle \(name) and does not have it.")
        }
        return BundleAnswer(generation: generation, name: name, serial: serial)
    }

    func put(_ request: SecretRequest) async throws(ControllerError) -> SecretAnswer {
        SecretAnswer(
            json: try await asking { () async throws(AdminClientError) in
                try await client.putSecret(
                    source: source, namespace: request.key.namespace ?? "", name: request.key.name,
                    AdminClient.SecretChange(
                        fence: request.fence, uid: request.uid, generation: request.generation,
                        spec: .object(request.spec), value: request.value, sequence: requests.next()))
            })
    }

    func delete(_ request: SecretRemoval) async throws(ControllerError) {
        do throws(AdminClientError) {
            _ = try await client.deleteSecret(
                source: source, namespace: request.key.namespace ?? "", name: request.key.name, fence: request.fence,
                uid: request.uid, deletionPolicy: request.deletionPolicy, sequence: requests.next())
        } catch {
            let failure = ControllerError(error)
            // What another source or an administrator has under this name is not ours to let go of.
            if error.code == .notFound || error.code == .conflict && failure.code == "refused" { return }
            throw failure
        }
    }

    private func status() async throws(ControllerError) -> JSONValue {
        try await asking { () async throws(AdminClientError) in try await client.policyStatus() }
    }

    private func asking<Value>(
        _ body: () async throws(AdminClientError) -> Value
    ) async throws(ControllerError) -> Value {
        do throws(AdminClientError) {
            return try await body()
        } catch {
            throw ControllerError(error)
        }
    }
}

extension ControllerError {
    init(_ error: AdminClientError) {
        let code =
            switch error.code {
            case .unavailable: "unavailable"
            case .conflict where error.isFenced: "fenced"
            // What is there is newer than what was sent; what is sent next is newer still.
            case .conflict where error.brokerCode == "overtaken": "unavailable"
            case .unexpected: "unexpected"
            default: "refused"
            }
        self.init(code: code, message: error.description)
    }
}
