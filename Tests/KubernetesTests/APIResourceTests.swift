import Kubernetes
import Testing

@Suite("Resources of the Kubernetes API")
struct APIResourceTests {
    static let policies = APIResource(
        group: "claviger.dev", version: "v1alpha1", plural: "releasepolicies", kind: "ReleasePolicy")

    @Test("the core group and named groups have paths of their own, with and without namespace, name and subresource")
    func paths() {
        #expect(APIResource.pods.path(namespace: "a") == "/api/v1/namespaces/a/pods")
        #expect(APIResource.pods.path(namespace: nil) == "/api/v1/pods")
        #expect(
            Self.policies.path(namespace: "a", name: "b", subresource: "status")
                == "/apis/claviger.dev/v1alpha1/namespaces/a/releasepolicies/b/status")
        #expect(APIResource.namespaces.path(namespace: "ignored", name: "b") == "/api/v1/namespaces/b")
        #expect(APIResource.leases.apiVersion == "coordination.k8s.io/v1")
        #expect(APIResource.pods.apiVersion == "v1")
    }

    @Test("a name cannot leave its segment")
    func names() {
        #expect(
            APIResource.pods.path(namespace: "a/../b", name: "x?watch=1#é")
                == "/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fwatch%3D1%23%C3%A9")
    }
}
