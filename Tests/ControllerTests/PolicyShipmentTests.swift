import Encodings
import FoundationEssentials
import Policy
import Testing

@testable import Controller
@testable import Kubernetes

@Suite("What goes to the broker in one request")
struct PolicyShipmentTests {
    private static func object(
        _ resource: APIResource, _ namespace: String?, _ name: String, created: Int = 0, spec: JSONObject? = nil
    ) -> KubernetesObject {
        var object = KubernetesObject(resource, namespace: namespace, name: name)
        object.metadata["uid"] = .string("uid-\(name)")
        object.metadata["generation"] = 1
        object.metadata["creationTimestamp"] = .string("2026-01-01T00:00:\(created < 10 ? "0" : "")\(created)Z")
        object.spec = spec ?? TestSpecs.release(namespace ?? "*", tag: name)
        return object
    }

    private static func entries(_ objects: [(APIResource, KubernetesObject)]) -> [PolicyKey: PolicyCatalogue.Entry] {
        let kinds = Dictionary(grouping: objects) { $0.0 }
        let caches = kinds.map { (resource: $0.key, cache: FixedCache(objects: $0.value.map(\.1)) as any ObjectCache) }
        return PolicyCatalogue(caches: caches).entries()
    }

    private static func releases(_ namespace: String, _ names: [String]) -> [(APIResource, KubernetesObject)] {
        names.enumerated().map { place, name in
            (.releasePolicies, object(.releasePolicies, namespace, name, created: place))
        }
    }

    private static let answered = SourceAnswer(generation: 7, verdicts: [:])

    @Test(
        "A32: where there is not room for all, the cluster's policies go first, and no namespace pushes out another's")
    func inTurn() {
        let crowd = (0..<30).map { "c\($0)" }
        let limit = (
            APIResource.clusterReleasePolicies, Self.object(.clusterReleasePolicies, nil, "limit", created: 59)
        )
        let objects = Self.releases("crowd", crowd) + Self.releases("zoo", ["a", "b"]) + [limit]
        let shipment = PolicyShipment(Self.entries(objects), limits: .init(documents: 8))
        #expect(shipment.documents.first?.key.name == "limit")
        #expect(Set(shipment.documents.map(\.key.name)) == ["limit", "a", "b", "c0", "c1", "c2", "c3", "c4"])
        #expect(shipment.hindrances.count == 25)
        #expect(shipment.hindrances.values.allSatisfy { $0.code == "too_many_documents" })
        let verdict = shipment.completing(Self.answered)
            .verdicts[PolicyKey(kind: "ReleasePolicy", namespace: "crowd", name: "c29")]
        let conditions = PolicyStatus.conditions(verdict, generation: 7, replicas: ReplicaStates([]))
        #expect(conditions.first { $0.type == "Accepted" }?.status == .no)
        #expect(conditions.first { $0.type == "Accepted" }?.reason == "TooManyDocuments")
        #expect(conditions.first { $0.type == "Programmed" }?.message == "No broker decides by it.")
    }

    @Test("a new policy takes the place of none that was there, whatever it is called")
    func oldestFirst() {
        let former = Self.releases("team", ["m", "n"])
        let newcomer = (APIResource.releasePolicies, Self.object(.releasePolicies, "team", "a", created: 50))
        let before = PolicyShipment(Self.entries(former), limits: .init(documents: 2))
        let after = PolicyShipment(Self.entries(former + [newcomer]), limits: .init(documents: 2))
        #expect(before.documents == after.documents)
        #expect(after.hindrances.keys.map(\.name) == ["a"])
    }

    @Test("what does not fit, or cannot be read, is named, so that its earlier version does not count as deleted")
    func named() throws {
        var deep = Self.object(.referenceValues, "team", "deep", created: 1)
        deep.spec = nil
        deep.unreadable = "It is nested more than 128 levels deep."
        let text = String(repeating: "x", count: 300_000)
        let large = Self.object(.releasePolicies, "team", "large", created: 2, spec: ["description": .string(text)])
        let objects: [(APIResource, KubernetesObject)] =
            [(.referenceValues, deep), (.releasePolicies, large)] + Self.releases("team", ["plain"])
        let shipment = PolicyShipment(Self.entries(objects))
        #expect(shipment.documents.count == 3)
        #expect(
            shipment.hindrances.mapValues(\.code).sorted { $0.key < $1.key }.map(\.value) == [
                "unreadable", "too_large",
            ])
        for document in shipment.documents where shipment.hindrances[document.key] != nil {
            let name = try #require(PolicyDocumentName(readingFrom: document.document.text))
            #expect(name.name == document.key.name && name.namespace == "team")
            #expect(document.document.uid == "uid-\(name.name)")
        }
        var answer = Self.answered
        let key = PolicyKey(kind: "ReferenceValues", namespace: "team", name: "deep")
        answer.verdicts[key] = PolicyVerdict(key: key, isAccepted: false, isCompiled: false, code: "missing_field")
        answer.verdicts[key]?.digest = "ab"
        let verdict = try #require(shipment.completing(answer).verdicts[key])
        let conditions = PolicyStatus.conditions(verdict, generation: 7, replicas: ReplicaStates([]))
        #expect(conditions.first { $0.type == "Accepted" }?.reason == "Unreadable")
        #expect(conditions.first { $0.type == "Accepted" }?.message.contains("128 levels") == true)
        #expect(conditions.first { $0.type == "Programmed" }?.message.contains("earlier version") == true)
    }

    @Test("no kind takes a document that says nothing for a policy", arguments: APIResource.policies)
    func sayingNothing(_ resource: APIResource) throws {
        let object = Self.object(resource, resource.isNamespaced ? "team" : nil, "x")
        let (key, entry) = try #require(Self.entries([(resource, object)]).first)
        let text = PolicyCatalogue.naming(key, entry).document.text
        #expect(throws: PolicyError.self) { try PolicyParser.parse(text, source: "test") }
    }

    @Test("no request is larger than a broker reads, however its text has to be escaped")
    func bytes() {
        let quotes = String(repeating: "\"\\\u{1}\n", count: 500)
        let objects = (0..<40).map { number in
            (
                APIResource.releasePolicies,
                Self.object(
                    .releasePolicies, "n\(number % 7)", "p\(number)", created: number,
                    spec: ["description": .string(quotes)])
            )
        }
        let limits = PolicyShipment.Limits(documents: 100, bytes: 100_000)
        let shipment = PolicyShipment(Self.entries(objects), limits: limits)
        let list = shipment.documents.map { policy -> JSONValue in
            [
                "text": .string(policy.document.text), "uid": .string(policy.document.uid ?? ""),
                "generation": .int(policy.document.generation ?? 0),
            ]
        }
        #expect(JSONValue.array(list).serialized().count <= limits.bytes)
        #expect(shipment.documents.count == objects.count)
        #expect(shipment.hindrances.values.allSatisfy { $0.code == "no_room" })
        #expect((5..<40).contains(shipment.hindrances.count))
    }
}
