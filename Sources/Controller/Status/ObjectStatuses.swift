import Kubernetes

/// Statuses as they are written to the API server.
struct ObjectStatuses: StatusPort {
    /// The one name under which this controller owns fields.
    static let fieldManager = "claviger-controller"

    let api: any KubernetesAPI
    let environment: RuntimeEnvironment

    func write(
        _ status: WantedStatus, on object: KubernetesObject, of resource: APIResource, under leadership: Leadership
    ) async throws(ControllerError) {
        let writer = StatusWriter(
            api: api, resource: resource, fieldManager: Self.fieldManager, environment: environment)
        do throws(KubernetesError) {
            _ = try await writer.write(status.conditions, fields: status.fields, on: object, under: leadership)
        } catch {
            switch error.kind {
            case .notFound: return
            case .conflict: throw ControllerError(code: "stale", message: "\(object) has changed meanwhile.")
            default: throw ControllerError(error)
            }
        }
    }
}
