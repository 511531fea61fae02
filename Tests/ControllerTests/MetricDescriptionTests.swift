import Foundation
import Telemetry
import Testing

@testable import Controller

@Suite("What the controller's metrics mean")
struct MetricDescriptionTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The names of metrics in the sources of the targets that run in the controller.
    private static func emitted() throws -> Set<String> {
        var names: Set<String> = []
        for target in ["Controller", "Kubernetes", "claviger-controller"] {
            let folder = root.appending(path: "Sources/\(target)")
            let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
            for case let file as URL in files where file.pathExtension == "swift" {
                for name in try String(contentsOf: file, encoding: .utf8).matches(of: /"(claviger_[a-z_]+)"/) {
                    names.insert(String(name.1))
                }
            }
        }
        return names
    }

    @Test("every metric has a description and a line in the documentation, and no description is of another one")
    func complete() throws {
        let emitted = try Self.emitted()
        #expect(emitted.contains("claviger_watch_up_to_date"))
        #expect(emitted.symmetricDifference(ControllerMetrics.descriptions.keys).isEmpty)
        let document = try String(contentsOf: Self.root.appending(path: "docs/controller.md"), encoding: .utf8)
        for name in emitted.sorted() { #expect(document.contains("`\(name)"), "\(name) is not in docs/controller.md") }
    }

    @Test("what the program shows at /metrics says of each metric what it is")
    func shown() async throws {
        let registry = MetricsRegistry(descriptions: ControllerMetrics.descriptions)
        let cluster = MemoryCluster()
        let time = TurnedTime()
        let controller = try TestController("one", cluster, MemoryBroker(), time.environment, metrics: registry)
        cluster.put(.releasePolicies, "team", "first", spec: TestSpecs.release())
        try await time.pass(until: { cluster.object(.releasePolicies, "team", "first")?.isProgrammed == true })
        let lines = registry.prometheusText().split(separator: "\n")
        let typed = lines.filter { $0.hasPrefix("# TYPE ") }.compactMap { $0.split(separator: " ").dropFirst(2).first }
        let helped = Set(
            lines.filter { $0.hasPrefix("# HELP ") }.compactMap { $0.split(separator: " ").dropFirst(2).first })
        #expect(typed.count > 10 && typed.allSatisfy(helped.contains), "\(Set(typed).subtracting(helped))")
        await controller.kill()
    }
}
