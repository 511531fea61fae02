import AdminClient
import Encodings
import FoundationEssentials
import Policy
import PolicyTesting
import RATS

/// What a broker has in force: policies and registered reference values.
struct BrokerPolicies {
    let documents: [PolicyDocument]
    /// The registered values that count, with their ends.
    let registered: [(value: PolicyLint.RegisteredValue, json: JSONValue)]

    init(_ client: AdminClient) async throws {
        var documents: [PolicyDocument] = []
        for record in try await client.policies() {
            let policy = try await client.policy(kind: record.kind, namespace: record.namespace, name: record.name)
            documents += try PolicyParser.parse(policy.text ?? "", source: "broker: \(record.identifier)")
        }
        self.documents = documents
        registered = try await client.referenceValues().compactMap { value in
            // The list shows the values of documents as well, and registered ones that do not count.
            guard value["document"]?.stringValue == nil, value["counts"]?.boolValue != false,
                value["expired"]?.boolValue != true, let name = value["name"]?.stringValue
            else { return nil }
            let expires = value["expires"]?.stringValue.flatMap { TimestampText.date($0) }
            return (PolicyLint.RegisteredValue(name: name, expires: expires), value["value"] ?? .null)
        }
    }

    var referenceValues: ReferenceValues {
        ReferenceValues(Dictionary(registered.map { ($0.value.name, $0.json) }, uniquingKeysWith: { $1 }))
    }

    /// The documents that would be in force after `proposed` were applied.
    func documents(replacedBy proposed: [PolicyDocument]) -> [PolicyDocument] {
        let names = Set(proposed.map(\.identifier))
        return documents.filter { !names.contains($0.identifier) } + proposed
    }
}
