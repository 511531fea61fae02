import Encodings
import Foundation
import KubernetesTestSupport
import TestPrograms
import Testing

/// Real kubectl, and with it client-go's reflector, as a client: what it understands is Kubernetes' wire format.
@Suite("Conformance: kubectl", .timeLimit(.minutes(5)))
struct KubectlConformance {
    private static func widget(_ session: ConformanceSession, _ name: String, _ spec: String) -> String {
        """
        apiVersion: conformance.claviger.dev/v1
        kind: Widget
        metadata: {name: \(name), namespace: \(session.namespace)}
        spec: \(spec)
        """
    }

    @Test("apply creates, changes and says when nothing changed; strict validation names the unknown field")
    func apply() async throws {
        try await ConformanceTarget.run { session in
            let tools = try ClusterTools(kubeconfig: session.kubeconfig)
            let file = try tools.file("a.yaml", Self.widget(session, "a", "{mode: Enforce}"))
            let created = try await tools.kubectl("apply", "-f", file)
            #expect(created.status == 0 && created.output.contains("created"), "\(created.output)")
            let same = try await tools.kubectl("apply", "-f", file)
            #expect(same.output.contains("unchanged"), "\(same.output)")
            let changed = try tools.file("b.yaml", Self.widget(session, "a", "{mode: Audit}"))
            #expect(try await tools.kubectl("apply", "-f", changed).output.contains("configured"))

            let unknown = try tools.file("c.yaml", Self.widget(session, "c", "{mode: Audit, mdoe: x}"))
            let strict = try await tools.kubectl("apply", "-f", unknown)
            #expect(strict.status != 0 && strict.output.contains(#"unknown field "spec.mdoe""#), "\(strict.output)")
            let loose = try await tools.kubectl("apply", "--validate=false", "-f", unknown)
            #expect(loose.status == 0, "\(loose.output)")
            let bad = try tools.file("d.yaml", Self.widget(session, "d", "{mode: Audit, replicas: 9}"))
            let refused = try await tools.kubectl("apply", "-f", bad)
            #expect(refused.status != 0 && refused.output.contains("at most five replicas"), "\(refused.output)")
        }
    }

    @Test("get prints the definition's columns, by short name and by category")
    func columns() async throws {
        try await ConformanceTarget.run { session in
            let tools = try ClusterTools(kubeconfig: session.kubeconfig)
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "a"))
            for name in ["wdg", "conformance"] {
                let shown = try await tools.kubectl("get", name, "-n", session.namespace)
                let lines = shown.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
                #expect(lines.first == ["NAME", "MODE", "READY"], "\(shown.output)")
                #expect(lines.last?.prefix(2) == ["a", "Enforce"] || lines.last?.first?.hasSuffix("/a") == true)
            }
            let selected = try await tools.kubectl(
                "get", "widgets", "-n", session.namespace, "--field-selector", "spec.broker=none", "-o", "name")
            #expect(selected.status == 0 && !selected.output.contains("widget"), "\(selected.output)")
            let file = try tools.file(
                "m.json", JSONValue.object(session.configMap("m", ["k": "v"])).serializedString())
            let map = try await tools.kubectl("create", "-f", file)
            #expect(map.status == 0, "\(map.output)")
            let label = try await tools.kubectl("label", "configmap/m", "-n", session.namespace, "app=x")
            #expect(label.status == 0, "\(label.output)")
        }
    }

    @Test("get -w follows what happens")
    func watch() async throws {
        try await ConformanceTarget.run { session in
            let tools = try ClusterTools(kubeconfig: session.kubeconfig)
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "a"))
            let running = try tools.startKubectl(
                "get", "widgets", "-n", session.namespace, "-w", "--output-watch-events", "--no-headers")
            try await Self.wait { running.outputText.contains("ADDED") }
            try await session.api.expect(
                200, "PATCH", session.widgets + "/a", ["spec": ["mode": "Audit"]], type: "application/merge-patch+json")
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "b"))
            try await session.api.expect(200, "DELETE", session.widgets + "/a")
            try await Self.wait { running.outputText.contains("DELETED") }
            running.signal(SIGTERM)
            _ = await running.status()
            let events = running.outputText.split(separator: "\n").map {
                $0.split(separator: " ").prefix(2).joined(separator: " ")
            }
            #expect(events == ["ADDED a", "MODIFIED a", "ADDED b", "DELETED a"], "\(running.errorText)")
        }
    }

    private static func wait(_ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(120)
        while try await !condition() {
            try #require(ContinuousClock.now < end, "it never happened")
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    @Test("wait --for=condition ends when patch --subresource=status sets the condition, and for=delete at the end")
    func waiting() async throws {
        try await ConformanceTarget.run { session in
            let tools = try ClusterTools(kubeconfig: session.kubeconfig)
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "a"))
            let running = try tools.startKubectl(
                "wait", "widget/a", "-n", session.namespace, "--for=condition=Ready", "--timeout=120s")
            if let fake = session.fake {
                try await Self.wait { fake.cluster.watchCount(of: "widgets") > 0 }
            }
            #expect(running.isRunning)
            let patched = try await tools.kubectl(
                "patch", "widget/a", "-n", session.namespace, "--subresource=status", "--type=merge", "-p",
                #"{"status":{"conditions":[{"type":"Ready","status":"True","reason":"Done","message":"","lastTransitionTime":"2026-11-21T10:00:00Z"}]}}"#
            )
            #expect(patched.status == 0, "\(patched.output)")
            #expect(await running.status() == 0, "\(running.errorText)")
            #expect(running.outputText.contains("condition met"))

            let gone = try tools.startKubectl(
                "wait", "widget/a", "-n", session.namespace, "--for=delete", "--timeout=120s")
            #expect(try await tools.kubectl("delete", "widget/a", "-n", session.namespace).status == 0)
            #expect(await gone.status() == 0, "\(gone.errorText)")
        }
    }

    @Test("server-side apply tells who owns the field, and takes it by force")
    func serverSideApply() async throws {
        try await ConformanceTarget.run { session in
            let tools = try ClusterTools(kubeconfig: session.kubeconfig)
            let one = try tools.file("one.yaml", Self.widget(session, "a", "{mode: Enforce, broker: one}"))
            let two = try tools.file("two.yaml", Self.widget(session, "a", "{mode: Enforce, broker: two}"))
            let first = try await tools.kubectl("apply", "--server-side", "--field-manager=first", "-f", one)
            #expect(first.status == 0 && first.output.contains("serverside-applied"), "\(first.output)")
            let conflict = try await tools.kubectl("apply", "--server-side", "--field-manager=second", "-f", two)
            #expect(conflict.status != 0)
            #expect(conflict.output.contains(#"conflict with "first""#) && conflict.output.contains(".spec.broker"))
            let forced = try await tools.kubectl(
                "apply", "--server-side", "--field-manager=second", "--force-conflicts", "-f", two)
            #expect(forced.status == 0, "\(forced.output)")
        }
    }
}
