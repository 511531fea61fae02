import CoreMetrics
import Encodings
import Foundation
import Kubernetes
import Logging
import ServiceLifecycle
import Synchronization
import Telemetry
import Testing

@testable import Controller

/// A controller at work on a cluster and a broker in memory, in turned time.
final class TestController: Sendable {
    let controller: KubernetesController
    let task: Task<Void, any Error>
    private let ending = Ending()

    private final class Ending: Sendable {
        let how = Mutex<String?>(nil)
    }

    init(
        _ name: String, _ cluster: any KubernetesAPI, _ broker: any BrokerPort, _ environment: RuntimeEnvironment,
        election: (any KubernetesAPI)? = nil, metrics: MetricsRegistry = MetricsRegistry(),
        change: (inout KubernetesSettings) -> Void = { _ in }
    ) throws {
        let controller = try Self.make(
            name, cluster, broker, environment, election: election, metrics: metrics, change: change)
        self.controller = controller
        task = Task { [ending] in
            do {
                try await controller.run()
                ending.how.withLock { $0 = "the controller has ended" }
            } catch {
                ending.how.withLock { $0 = "the controller has ended: \(error)" }
                throw error
            }
        }
    }

    /// How the controller ended; nil while it runs.
    var end: String? { ending.how.withLock { $0 } }

    /// A controller that somebody else runs.
    static func make(
        _ name: String, _ cluster: any KubernetesAPI, _ broker: any BrokerPort, _ environment: RuntimeEnvironment,
        election: (any KubernetesAPI)? = nil, metrics: MetricsRegistry = MetricsRegistry(),
        change: (inout KubernetesSettings) -> Void = { _ in }
    ) throws -> KubernetesController {
        var settings = KubernetesSettings(source: "cluster", leaseNamespace: "claviger", candidate: name)
        change(&settings)
        return try KubernetesController(
            api: cluster, electionAPI: election, port: broker, settings: settings, environment: environment,
            metrics: ControllerMetrics(factory: metrics), logger: Logger(label: name) { _ in SwiftLogNoOpLogHandler() })
    }

    /// Ends the process without any good order.
    func kill(sourceLocation: SourceLocation = #_sourceLocation) async {
        task.cancel()
        // Not waited for without a limit: a controller that does not end must not keep the test from ending.
        do {
            try await eventually({ end != nil }, sourceLocation: sourceLocation)
        } catch {}
    }
}

extension KubernetesObject {
    /// The condition of a type in the object's status.
    func condition(_ type: String) -> JSONObject? {
        (status?["conditions"]?.arrayValue ?? []).compactMap(\.objectValue).first { $0["type"]?.stringValue == type }
    }

    func holds(_ type: String) -> Bool { condition(type)?["status"]?.stringValue == "True" }
    func reason(_ type: String) -> String? { condition(type)?["reason"]?.stringValue }

    /// Whether the status says that the object, as it is now, decides.
    var isProgrammed: Bool {
        holds("Accepted") && holds("Programmed") && status?["observedGeneration"]?.intValue == generation
    }
}

enum TestSpecs {
    /// A release policy's spec that speaks of one tag.
    static func release(_ namespace: String = "team", tag: String = "*") -> JSONObject {
        [
            "match": ["resources": [.string("\(namespace)/keys/\(tag)")], "operations": ["get"]],
            "require": ["tees": ["sample"]],
        ]
    }
}
