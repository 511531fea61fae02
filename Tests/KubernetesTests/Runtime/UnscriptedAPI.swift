import Encodings
import Kubernetes

/// An API server that only lists and watches: whatever else is asked of it was not foreseen by the test.
protocol UnscriptedAPI: KubernetesAPI {}

extension UnscriptedAPI {
    func get(_: APIResource, namespace: String?, name: String) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func create(_: KubernetesObject, in: APIResource) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func replace(
        _: KubernetesObject, in: APIResource, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func apply(
        _: KubernetesObject, to: APIResource, fieldManager: String, force: Bool, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func mergePatch(
        _: JSONObject, to: APIResource, namespace: String?, name: String, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func delete(
        _: APIResource, namespace: String?, name: String, preconditions: DeletePreconditions?
    ) async throws(KubernetesError) {
        throw .unscripted
    }

    func version() async throws(KubernetesError) -> ServerVersion { ServerVersion(major: 1, minor: 36) }
}

extension KubernetesError {
    static let unscripted = KubernetesError(.configuration, message: "The script has no such call.")
    static let expired = KubernetesError(.gone, statusCode: 410, reason: "Expired", message: "too old")
    static let tooLarge = KubernetesError(
        .resourceVersionTooLarge, statusCode: 504, reason: "Timeout", message: "Too large resource version",
        retryAfter: .seconds(1))
    static let broken = KubernetesError(.serverError, statusCode: 503, message: "broken")
    static let watchListDisabled = KubernetesError(
        .serverError, statusCode: 500, message: "RequestWatchProgress is disabled")
}
