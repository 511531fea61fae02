import Foundation
import Kubernetes
import TestPrograms
import Testing

@testable import claviger

extension KubectlFixture {
    /// Starts the controller, for a source of the namespace's name unless another is given, for the length of `body`, which
    /// may end it earlier.
    func controlling(source: String? = nil, _ body: (RunningProgram) async throws -> Void) async throws {
        let program = try #require(BuiltProgram("claviger-controller"))
        let controller = try program.start(
            [
                "--source", source ?? namespace, "--url", endpoint.url, "--ca", endpoint.caFile ?? "",
                "--token-file", endpoint.tokenFile ?? "", "--lease-namespace", "claviger",
                "--health-address", "127.0.0.1:0",
            ], environment: environment)
        defer { controller.signal(SIGKILL) }
        try await body(controller)
    }

    /// Waits for what the controller is to bring about.
    func wait(_ controller: RunningProgram, until isDone: () throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try !isDone() {
            try #require(ContinuousClock.now < end && controller.isRunning, "\(controller.errorText.suffix(2_000))")
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Whether a release policy of the namespace decides, as its status says.
    func isProgrammed(_ name: String) throws -> Bool {
        guard let object = try cluster.object("ReleasePolicy", namespace, name) else { return false }
        return ObjectConditions(KubernetesObject(json: object)).holds("Programmed")
    }
}
