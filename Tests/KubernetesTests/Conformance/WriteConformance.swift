import Encodings
import KubernetesTestSupport
import Testing

/// 4b: "stale PUT", "SSA conflict", "Lease race", and what clients rely on around them.
@Suite("Conformance: writes", .timeLimit(.minutes(5)))
struct WriteConformance {
    @Test("4b: stale PUT: a stale replacement is a conflict and changes nothing")
    func stalePut() async throws {
        try await ConformanceTarget.run { session in
            let first = try await session.api.expect(
                201, "POST", session.configMaps, session.configMap("a", ["k": "1"]))
            var second = first
            second["data"] = ["k": "2"]
            let stored = try await session.api.expect(200, "PUT", session.configMaps + "/a", second)
            #expect(stored.uid == first.uid && stored.resourceVersion != first.resourceVersion)
            var third = first
            third["data"] = ["k": "3"]
            let answer = try await session.api.send("PUT", session.configMaps + "/a", .object(third))
            #expect(answer.status == 409 && answer.reason == "Conflict")
            #expect(answer.message.contains("the object has been modified"))
            let now = try await session.api.expect(200, "GET", session.configMaps + "/a")
            #expect(now["data"]?["k"] == "2")
        }
    }

    @Test(
        "what exists cannot be created again, what does not exist cannot be read, and no namespace is made in passing")
    func existence() async throws {
        try await ConformanceTarget.run { session in
            let map = JSONValue.object(session.configMap("a"))
            #expect(try await session.api.send("POST", session.configMaps, map).status == 201)
            let again = try await session.api.send("POST", session.configMaps, map)
            #expect(again.status == 409 && again.reason == "AlreadyExists")
            let missing = try await session.api.send("GET", session.configMaps + "/none")
            #expect(missing.status == 404 && missing.reason == "NotFound")
            #expect(missing.message == "configmaps \"none\" not found")
            var elsewhere = session.configMap("a")
            elsewhere.edit("metadata") { $0["namespace"] = "claviger-conformance-none" }
            let nowhere = try await session.api.send(
                "POST", "/api/v1/namespaces/claviger-conformance-none/configmaps", .object(elsewhere))
            #expect(nowhere.status == 404 && nowhere.message.contains("namespaces"))
            let mismatch = try await session.api.send("POST", session.configMaps, .object(elsewhere))
            #expect(mismatch.status == 400)
        }
    }

    @Test(
        "4b: SSA conflict: a second manager's apply is a conflict that names the owner and the field; force takes the field"
    )
    func applyConflict() async throws {
        try await ConformanceTarget.run { session in
            let path = session.widgets + "/a"
            let mine = Widget.object(session, "a", ["broker": "one", "rules": [["name": "x", "effect": "Allow"]]])
            #expect(try await session.api.apply(path, mine, by: "first").status == 201)
            let theirs = Widget.object(session, "a", ["broker": "two", "rules": [["name": "x", "effect": "Deny"]]])
            let answer = try await session.api.apply(path, theirs, by: "second")
            #expect(answer.status == 409 && answer.reason == "Conflict")
            #expect(
                answer.causes.compactMap { $0["field"]?.stringValue }.sorted()
                    == [".spec.broker", #".spec.rules[name="x"].effect"#])
            #expect(answer.causes.allSatisfy { $0["reason"] == "FieldManagerConflict" })
            #expect(answer.message.contains("conflict") && answer.message.contains(#""first""#))
            let forced = try await session.api.apply(path, theirs, by: "second", isForced: true)
            #expect(forced.status == 200 && forced.json["spec"]?["broker"] == "two")
            #expect(try await session.api.apply(path, mine, by: "first").status == 409)
        }
    }

    @Test("equal values are owned together, and what a manager no longer applies goes when nobody else owns it")
    func applyRemoval() async throws {
        try await ConformanceTarget.run { session in
            let path = session.widgets + "/a"
            let full = Widget.object(
                session, "a", ["broker": "one", "replicas": 3, "rules": [["name": "x"], ["name": "y"]]])
            #expect(try await session.api.apply(path, full, by: "first").status == 201)
            let shared = Widget.object(session, "a", ["broker": "one", "rules": [["name": "z"]]])
            let both = try await session.api.apply(path, shared, by: "second")
            #expect(both.status == 200 && both.json["spec"]?["rules"]?.arrayValue?.count == 3)
            let less = try await session.api.apply(
                path, Widget.object(session, "a", ["rules": [["name": "x"]]]), by: "first")
            #expect(less.json["spec"]?["broker"] == "one", "the second manager owns it too")
            #expect(less.json["spec"]?["replicas"] == 2, "nobody owns it: the default")
            let rules = less.json["spec"]?["rules"]?.arrayValue?.compactMap { $0["name"]?.stringValue }
            #expect(rules.map(Set.init) == ["x", "z"])
            let same = try await session.api.apply(
                path, Widget.object(session, "a", ["rules": [["name": "x"]]]), by: "first")
            #expect(same.json.resourceVersion == less.json.resourceVersion, "nothing changed")
        }
    }

    @Test("apply to status is owned apart from apply to the rest, condition by condition")
    func applyStatus() async throws {
        try await ConformanceTarget.run { session in
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "a"))
            func status(_ type: String, _ value: String) -> JSONObject {
                [
                    "apiVersion": "conformance.claviger.dev/v1", "kind": "Widget",
                    "metadata": ["name": "a", "namespace": .string(session.namespace)],
                    "status": ["conditions": [["type": .string(type), "status": .string(value)]]],
                ]
            }
            let path = session.widgets + "/a/status"
            #expect(try await session.api.apply(path, status("Accepted", "True"), by: "controller").status == 200)
            let other = try await session.api.apply(path, status("Ready", "False"), by: "other")
            #expect(other.json["status"]?["conditions"]?.arrayValue?.count == 2)
            let conflict = try await session.api.apply(path, status("Accepted", "False"), by: "other")
            #expect(conflict.status == 409)
            #expect(conflict.causes.first?["field"] == #".status.conditions[type="Accepted"].status"#)
            let unnamed = try await session.api.send(
                "PATCH", path, .object(status("Ready", "True")), type: "application/apply-patch+yaml")
            #expect(unnamed.status == 422 || unnamed.status == 400)
        }
    }

    @Test(
        "4b: Lease race: of two who take a lease at the same version one gets 409, and its times need six digits of a second"
    )
    func leaseRace() async throws {
        try await ConformanceTarget.run { session in
            func lease(_ holder: String, _ time: String, version: String? = nil) -> JSONObject {
                var metadata: JSONObject = ["name": "leader", "namespace": .string(session.namespace)]
                metadata["resourceVersion"] = version.map(JSONValue.string)
                return [
                    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": .object(metadata),
                    "spec": [
                        "holderIdentity": .string(holder), "leaseDurationSeconds": 15, "leaseTransitions": 1,
                        "acquireTime": .string(time), "renewTime": .string(time),
                    ],
                ]
            }
            let time = "2026-11-21T10:00:00.000000Z"
            let first = try await session.api.expect(201, "POST", session.leases, lease("a", time))
            let path = session.leases + "/leader"
            try await session.api.expect(200, "PUT", path, lease("b", time, version: first.resourceVersion))
            let late = try await session.api.send(
                "PUT", path, .object(lease("c", time, version: first.resourceVersion)))
            #expect(late.status == 409)
            let blind = try await session.api.send("PUT", path, .object(lease("c", time)))
            #expect(blind.status == 422, "a lease is replaced at a version only")
            #expect(try await session.api.expect(200, "GET", path)["spec"]?["holderIdentity"] == "b")
            let now = try await session.api.expect(200, "GET", path).resourceVersion
            let coarse = try await session.api.send(
                "PUT", path, .object(lease("b", "2026-11-21T10:00:00Z", version: now)))
            #expect(coarse.status == 400 && coarse.message.contains("000000"))
            var zero = lease("b", time, version: now)
            zero.edit("spec") { $0["leaseDurationSeconds"] = 0 }
            #expect(try await session.api.send("PUT", path, .object(zero)).status == 422)
        }
    }

    @Test("finalizers hold an object up; preconditions protect the wrong one")
    func deletion() async throws {
        try await ConformanceTarget.run { session in
            var object = session.configMap("a")
            object.edit("metadata") { $0["finalizers"] = ["claviger.dev/conformance"] }
            let made = try await session.api.expect(201, "POST", session.configMaps, object)
            let path = session.configMaps + "/a"
            let wrong = try await session.api.send(
                "DELETE", path, ["kind": "DeleteOptions", "apiVersion": "v1", "preconditions": ["uid": "other"]])
            #expect(wrong.status == 409)
            #expect(try await session.api.send("DELETE", path).status == 200)
            let held = try await session.api.expect(200, "GET", path)
            #expect(held["metadata"]?["deletionTimestamp"] != nil && held.uid == made.uid)
            try await session.api.expect(
                200, "PATCH", path, ["metadata": ["finalizers": .null]], type: "application/merge-patch+json")
            #expect(try await session.api.send("GET", path).status == 404)
        }
    }

    @Test("4b: ownerReference GC: what is owned goes with its owner")
    func ownership() async throws {
        try await ConformanceTarget.run { session in
            // Who collects is not the API server.
            let manager = try await session.api.send("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
            if manager.status == 404 { try Test.cancel("the cluster has no controller-manager") }
            let owner = try await session.api.expect(201, "POST", session.configMaps, session.configMap("owner"))
            var child = session.configMap("child")
            child.edit("metadata") {
                $0["ownerReferences"] = [
                    ["apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": .string(owner.uid)]
                ]
            }
            try await session.api.expect(201, "POST", session.configMaps, child)
            try await session.api.expect(200, "DELETE", session.configMaps + "/owner")
            let end = ContinuousClock.now + .seconds(60)
            while try await session.api.send("GET", session.configMaps + "/child").status != 404 {
                try #require(ContinuousClock.now < end)
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    @Test("4b: dry-run: a dry run answers as if, and nothing is stored, changed or removed")
    func dryRun() async throws {
        try await ConformanceTarget.run { session in
            let map = JSONValue.object(session.configMap("a", ["k": "1"]))
            let tried = try await session.api.send("POST", session.configMaps + "?dryRun=All", map)
            #expect(tried.status == 201 && !tried.json.uid.isEmpty && tried.json["data"]?["k"] == "1")
            let path = session.configMaps + "/a"
            #expect(try await session.api.send("GET", path).status == 404)
            let made = try await session.api.expect(201, "POST", session.configMaps, session.configMap("a", ["k": "1"]))
            let patched = try await session.api.expect(
                200, "PATCH", path + "?dryRun=All", ["data": ["k": "2"]], type: "application/merge-patch+json")
            #expect(patched["data"]?["k"] == "2" && patched.resourceVersion == made.resourceVersion)
            try await session.api.expect(200, "DELETE", path + "?dryRun=All")
            #expect(try await session.api.expect(200, "GET", path) == made)
            let bad = Widget.object(session, "w", ["replicas": 9])
            #expect(try await session.api.send("POST", session.widgets + "?dryRun=All", .object(bad)).status == 422)
        }
    }

    @Test("JSON patch tests and changes; a kind of patch that is not known is 415")
    func patches() async throws {
        try await ConformanceTarget.run { session in
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "a", ["broker": "one"]))
            let path = session.widgets + "/a"
            let type = "application/json-patch+json"
            let test: JSONValue = ["op": "test", "path": "/spec/broker", "value": "one"]
            let replace: JSONValue = ["op": "replace", "path": "/spec/broker", "value": "two"]
            let done = try await session.api.send("PATCH", path, [test, replace], type: type)
            #expect(done.status == 200 && done.json["spec"]?["broker"] == "two")
            #expect(try await session.api.send("PATCH", path, [test, replace], type: type).status == 422)
            let strategic = try await session.api.send(
                "PATCH", path, ["spec": [:]], type: "application/strategic-merge-patch+json")
            #expect(strategic.status == 415)
        }
    }
}
