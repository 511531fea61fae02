import Encodings
import Foundation
import KubernetesTestSupport
import TestPrograms
import Testing

/// 4b: "Helm install/upgrade/list/uninstall".
@Suite("Conformance: Helm", .timeLimit(.minutes(5)))
struct HelmConformance {
    private static let chart = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Charts/claviger")

    @Test(
        "4b: Helm installs our chart, changes what is asked and nothing else, lists it and takes it away",
        arguments: [3, 4])
    func release(_ major: Int) async throws {
        try await ConformanceTarget.run { session in
            let tools = try ClusterTools(kubeconfig: session.kubeconfig)
            let values = Self.chart.appending(path: "ci/minimal-values.yaml").path
            // Definitions belong to the whole cluster, which is not this test's.
            func helm(_ command: String, _ settings: String...) async throws -> String {
                let common = ["--namespace", session.namespace]
                let given =
                    ["install", "upgrade"].contains(command)
                    ? ["demo", Self.chart.path, "--values", values, "--set", "crds.enabled=false"] : []
                let result = try await tools.helm(major, [command] + given + settings + common)
                #expect(result.status == 0, "\(command): \(result.output)")
                return result.output
            }
            _ = try await helm("install")
            let deployments = "/apis/apps/v1/namespaces/\(session.namespace)/deployments"
            let path = deployments + "/demo-claviger-broker"
            let first = try await session.api.expect(200, "GET", path)
            let secrets = "/api/v1/namespaces/\(session.namespace)/secrets"
            let kept = try await session.api.expect(200, "GET", secrets + "?labelSelector=owner%3Dhelm")
            #expect(kept["items"]?.arrayValue?.compactMap { $0["type"] } == ["helm.sh/release.v1"])

            _ = try await helm("upgrade", "--set", "broker.replicas=3,broker.image.tag=next")
            let second = try await session.api.expect(200, "GET", path)
            #expect(second["spec"]?["replicas"] == 3 && second["metadata"]?["generation"] == 2)
            func container(_ object: JSONObject) -> JSONObject {
                object["spec"]?["template"]?["spec"]?["containers"]?.arrayValue?.first?.objectValue ?? [:]
            }
            var expected = container(first)
            expected["image"] = container(second)["image"]
            #expect(container(second) == expected, "only the image is another")
            #expect(container(second)["image"]?.stringValue?.hasSuffix(":next") == true)

            let listed = try await helm("list", "--output", "json")
            #expect(listed.contains(#""revision":"2""#) && listed.contains(#""status":"deployed""#), "\(listed)")
            _ = try await helm("uninstall", "demo")
            #expect(try await session.api.send("GET", path).status == 404)
            let left = try await session.api.expect(200, "GET", secrets + "?labelSelector=owner%3Dhelm")
            #expect(left["items"]?.arrayValue?.isEmpty == true)
        }
    }
}
