import BrokerTestSupport
import Encodings
import Policy
import Storage

@testable import Broker

/// A document as a source sends it.
struct Sent: Sendable {
    var text: String
    var uid: String?
    let name: String

    /// An allowing policy, by default of the namespace `shop` and for everything in it.
    static func release(
        _ name: String, namespace: String = "shop", resources: String? = nil, tee: String = "snp", more: String = ""
    ) -> Sent {
        Sent(
            text: """
                apiVersion: claviger.dev/v1alpha1
                kind: ReleasePolicy
                metadata: {name: \(name), namespace: \(namespace)}
                spec:
                  match: {resources: ["\(resources ?? "\(namespace)/*/\(name)")"]}
                  require: {tees: [\(tee)]}
                \(more)
                """, uid: "uid-\(name)", name: name)
    }

    static func guardrail(_ name: String, tee: String = "snp") -> Sent {
        Sent(
            text: """
                apiVersion: claviger.dev/v1alpha1
                kind: ClusterReleasePolicy
                metadata: {name: \(name)}
                spec:
                  effect: Guardrail
                  match: {resources: ["**"]}
                  require: {tees: [\(tee)]}
                """, uid: "uid-\(name)", name: name)
    }

    /// Reference values of these names for the namespace `shop`.
    static func values(_ name: String, _ values: [String]) -> Sent {
        let entries = values.map { "    - {name: \($0), value: \"1\"}" }.joined(separator: "\n")
        return Sent(
            text: """
                apiVersion: claviger.dev/v1alpha1
                kind: ReferenceValues
                metadata: {name: \(name), namespace: shop}
                spec:
                  values:
                \(entries)
                """, uid: "uid-\(name)", name: name)
    }

    /// The same with a field that is none.
    var broken: Sent {
        Sent(text: text.replacing("spec:", with: "spec:\n  surprise: 1"), uid: uid, name: name)
    }
}

/// The broker's answer about a source's documents.
struct SourceReply: Sendable {
    let json: JSONValue
    private let names: [String]

    init(_ json: JSONValue, _ sent: [Sent]) {
        self.json = json
        names = sent.map(\.name)
    }

    var generation: Int64 { json["generation"]?.intValue ?? -1 }
    private var documents: [JSONValue] { json["documents"]?.arrayValue ?? [] }

    /// What became of each document, by name.
    var changes: [String: String] {
        Dictionary(zip(names, documents.map { $0["change"]?.stringValue ?? "" })) { $1 }
    }

    subscript(name: String) -> JSONValue? {
        names.firstIndex(of: name).flatMap { documents.indices.contains($0) ? documents[$0] : nil }
    }
}

extension Broker {
    /// Sends the whole list of a source.
    func send(
        _ documents: [Sent], fence: Int64, source: String = "east", sequence: Int64? = nil, dryRun: Bool = false
    ) async throws -> SourceReply {
        let list = documents.map { document -> JSONValue in
            ["text": .string(document.text), "uid": .optional(document.uid), "generation": 1]
        }
        var body: JSONObject = ["fence": .int(fence), "documents": .array(list)]
        body["sequence"] = sequence.map { .int($0) }
        let request = try SourceRequest(source: source, body: body.serialized())
        return SourceReply(try await setSourcePolicies(request, dryRun: dryRun, by: "controller"), documents)
    }
}

extension TestBroker {
    func send(
        _ documents: [Sent], fence: Int64, source: String = "east", sequence: Int64? = nil, dryRun: Bool = false
    ) async throws -> SourceReply {
        try await broker.send(documents, fence: fence, source: source, sequence: sequence, dryRun: dryRun)
    }

    /// The origins of all stored documents, by name.
    func origins() async throws -> [String: String] {
        let list = try await broker.policyList()["policies"]?.arrayValue ?? []
        return Dictionary(
            list.map { ($0["name"]?.stringValue ?? "", $0["origin"]?.stringValue ?? "") }
        ) { $1 }
    }
}
