import Encodings
import Foundation
import Kubernetes
import Synchronization
import Testing

@testable import Controller
@testable import KubernetesTestSupport

/// Reviews as API servers send them.
enum Reviews {
    static func pod(
        _ pod: JSONObject, operation: String = "CREATE", namespace: String = "payments", subresource: String? = nil
    ) -> JSONObject {
        review(
            ("", "v1", "Pod"), "pods", operation: operation, namespace: namespace, object: pod, old: nil,
            subresource: subresource)
    }

    static func object(
        _ object: JSONObject, old: JSONObject? = nil, operation: String? = nil, subresource: String? = nil
    ) -> JSONObject {
        let kind = object["kind"]?.stringValue ?? ""
        return review(
            ("claviger.dev", "v1alpha1", kind), kind.lowercased() + "s",
            operation: operation ?? (old == nil ? "CREATE" : "UPDATE"),
            namespace: object["metadata"]?["namespace"]?.stringValue, object: object, old: old, subresource: subresource
        )
    }

    static func review(
        _ kind: (String, String, String), _ plural: String, operation: String, namespace: String?,
        object: JSONObject?, old: JSONObject?, subresource: String?
    ) -> JSONObject {
        var request: JSONObject = [
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": ["group": .string(kind.0), "version": .string(kind.1), "kind": .string(kind.2)],
            "resource": ["group": .string(kind.0), "version": .string(kind.1), "resource": .string(plural)],
            "operation": .string(operation), "userInfo": ["username": "alice", "groups": ["system:authenticated"]],
            "object": object.map { .object($0) } ?? .null, "oldObject": old.map { .object($0) } ?? .null,
            "dryRun": false, "options": ["apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"],
        ]
        request["namespace"] = namespace.map { .string($0) }
        request["subResource"] = subresource.map { .string($0) }
        request["name"] = object?["metadata"]?["name"]
        return ["apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": .object(request)]
    }

    static func request(_ review: JSONObject) throws -> Controller.AdmissionRequest {
        try Controller.AdmissionRequest(review.serialized())
    }
}

/// Profiles that are just there.
struct GivenProfiles: ProfileSource {
    var objects: [KubernetesObject] = []
    /// What only another look at the API server finds.
    var unfollowed: [KubernetesObject] = []
    var failure: InjectionRefusal?

    func profile(_ name: String, in namespace: String) async throws(InjectionRefusal) -> KubernetesObject? {
        if let failure { throw failure }
        return (objects + unfollowed).first { $0.name == name && $0.namespace == namespace }
    }

    func profiles(in namespace: String) throws(InjectionRefusal) -> [KubernetesObject] {
        if let failure { throw failure }
        return objects.filter { $0.namespace == namespace }
    }
}

/// The pods of the folder `Pods`, and what is to become of them.
enum PodFiles {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Pods")

    static var names: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasSuffix(".yaml") && $0 != "profiles.yaml" }.map { String($0.dropLast(5)) }.sorted()
        }
    }

    static func pod(_ name: String) throws -> JSONObject {
        let text = try String(contentsOf: folder.appending(path: "\(name).yaml"), encoding: .utf8)
        return try #require(try YAMLObjects.objects(in: text).first)
    }

    static var profiles: GivenProfiles {
        get throws {
            let text = try String(contentsOf: folder.appending(path: "profiles.yaml"), encoding: .utf8)
            return GivenProfiles(objects: try YAMLObjects.objects(in: text).map(KubernetesObject.init(json:)))
        }
    }

    /// What the operator of the examples says.
    static var settings: InjectionSettings {
        var settings = InjectionSettings()
        settings.image = "registry.example/claviger/agent@sha256:" + String(repeating: "ab", count: 32)
        settings.brokerURLs = ["https://broker.claviger.svc:8080"]
        settings.authorities = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
        settings.excludedNamespaces.insert("claviger")
        return settings
    }

    static func injector(_ settings: InjectionSettings = settings) throws -> PodInjector {
        PodInjector(settings: settings, authorities: nil, profiles: try profiles)
    }

    static func inject(
        _ pod: JSONObject, _ injector: PodInjector, namespace: String = "payments"
    ) async throws -> (answer: AdmissionAnswer, pod: JSONObject) {
        let answer = await injector.judge(try Reviews.request(Reviews.pod(pod, namespace: namespace)))
        let patched = try Patches.patched(.object(pod), answer.patch)
        return (answer, try #require(patched.objectValue))
    }
}
