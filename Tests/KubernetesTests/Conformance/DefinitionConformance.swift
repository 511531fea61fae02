import Encodings
import KubernetesTestSupport
import Testing

/// 4b: "CRD with CEL, defaults, list-map, selectableFields, printer columns".
@Suite("Conformance: custom resources", .timeLimit(.minutes(5)))
struct DefinitionConformance {
    @Test("a definition that is there already is replaced, so that what follows is about the one of now")
    func again() async throws {
        try await ConformanceTarget.run { session in
            try await Widget.define(session.api)
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "a", ["path": "kbs:a"]))
        }
    }

    @Test("4b: CRD with CEL: a bad object is refused with all messages, each at its field")
    func refusal() async throws {
        try await ConformanceTarget.run { session in
            let bad = Widget.object(session, "bad", ["replicas": 9, "path": "http:x"])
            let answer = try await session.api.send("POST", session.widgets, .object(bad))
            #expect(answer.status == 422 && answer.reason == "Invalid")
            #expect(answer.causes.compactMap { $0["field"]?.stringValue }.sorted() == ["spec.path", "spec.replicas"])
            #expect(answer.message.contains("at most five replicas") && answer.message.contains("must begin with kbs:"))

            let unknown = try await session.api.send(
                "POST", session.widgets, .object(Widget.object(session, "bad", ["mode": "Allow"])))
            #expect(unknown.status == 422 && unknown.message.contains(#"Unsupported value: "Allow""#))
            let bare: JSONObject = [
                "apiVersion": "conformance.claviger.dev/v1", "kind": "Widget", "metadata": ["name": "bare"],
            ]
            let missing = try await session.api.send("POST", session.widgets, .object(bare))
            #expect(missing.status == 422 && missing.message.contains("spec: Required value"))
            let wrong = try await session.api.send(
                "POST", session.widgets, .object(Widget.object(session, "bad", ["broker": 7])))
            #expect(wrong.status == 422 && wrong.message.contains("must be of type string"))
        }
    }

    @Test(
        "4b: defaults and list-map: defaults are filled in, also in the elements of a list, whose keys are unique and match their pattern"
    )
    func defaults() async throws {
        try await ConformanceTarget.run { session in
            let made = try await session.api.expect(
                201, "POST", session.widgets, Widget.object(session, "a", ["rules": [["name": "x"]]]))
            #expect(made["spec"]?["replicas"] == 2)
            #expect(made["spec"]?["rules"] == [["name": "x", "effect": "Deny"]])
            let twice = try await session.api.send(
                "POST", session.widgets,
                .object(Widget.object(session, "b", ["rules": [["name": "x"], ["name": "x"]]])))
            #expect(twice.status == 422 && twice.message.contains("Duplicate value"))
            let pattern = try await session.api.send(
                "POST", session.widgets, .object(Widget.object(session, "b", ["rules": [["name": "X1"]]])))
            #expect(pattern.status == 422 && pattern.message.contains("spec.rules[0].name in body should match"))
        }
    }

    @Test("a transition rule sees the former value")
    func transition() async throws {
        try await ConformanceTarget.run { session in
            try await session.api.expect(
                201, "POST", session.widgets, Widget.object(session, "a", ["path": "kbs:a"]))
            let changed = try await session.api.send(
                "PATCH", "\(session.widgets)/a", ["spec": ["path": "kbs:b"]], type: "application/merge-patch+json")
            #expect(changed.status == 422 && changed.message.contains("the path never changes"))
        }
    }

    @Test("unknown fields are refused, warned of or dropped, as the client asks")
    func unknownFields() async throws {
        try await ConformanceTarget.run { session in
            let object = JSONValue.object(Widget.object(session, "a", ["repliacs": 3]))
            let strict = try await session.api.send("POST", session.widgets + "?fieldValidation=Strict", object)
            #expect(
                strict.status == 400
                    && strict.message.contains(#"strict decoding error: unknown field "spec.repliacs""#))
            let warned = try await session.api.send(
                "POST", session.widgets + "?fieldValidation=Warn&dryRun=All", object)
            #expect(warned.status == 201)
            #expect(warned.response.header("Warning")?.contains(#"unknown field \"spec.repliacs\""#) == true)
            let ignored = try await session.api.send("POST", session.widgets + "?fieldValidation=Ignore", object)
            #expect(ignored.status == 201 && ignored.json["spec"]?["repliacs"] == nil)
            #expect(ignored.response.header("Warning") == nil)
        }
    }

    @Test("4b: selectableFields: selectable fields select, and no others")
    func selectableFields() async throws {
        try await ConformanceTarget.run { session in
            for (name, broker) in [("a", "one"), ("b", "two")] {
                try await session.api.expect(
                    201, "POST", session.widgets, Widget.object(session, name, ["broker": .string(broker)]))
            }
            let list = try await session.api.expect(200, "GET", session.widgets + "?fieldSelector=spec.broker%3Dtwo")
            #expect(list["items"]?.arrayValue?.compactMap { $0["metadata"]?["name"] } == ["b"])
            let other = try await session.api.send("GET", session.widgets + "?fieldSelector=spec.mode%3DEnforce")
            #expect(other.status == 400 && other.message.contains("field label not supported"))
        }
    }

    @Test("4b: printer columns: a table has the columns of the definition, and metadata alone has no spec")
    func shapes() async throws {
        try await ConformanceTarget.run { session in
            try await session.api.expect(201, "POST", session.widgets, Widget.object(session, "a"))
            let table = try await session.api.send(
                "GET", session.widgets, accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
            #expect(table.json["kind"] == "Table")
            #expect(
                table.json["columnDefinitions"]?.arrayValue?.compactMap { $0["name"] } == ["Name", "Mode", "Ready"])
            #expect(table.json["rows"]?.arrayValue?.first?["cells"]?.arrayValue?.prefix(2) == ["a", "Enforce"])
            let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
            let metadata = try await session.api.send("GET", session.widgets, accept: accept)
            #expect(metadata.json["kind"] == "PartialObjectMetadataList")
            #expect(metadata.json["items"]?.arrayValue?.first?["metadata"]?["name"] == "a")
            #expect(metadata.json["items"]?.arrayValue?.first?["spec"] == nil)
        }
    }

    @Test("a rule that names a field nobody declared is refused with its definition")
    func badRule() async throws {
        try await ConformanceTarget.run { session in
            let text = Widget.definition.replacing("widgets", with: "badgets").replacing(
                "self.replicas", with: "self.replica")
            let object = try #require(try YAMLObjects.objects(in: text).first)
            let answer = try await session.api.send(
                "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All", .object(object))
            #expect(answer.status == 422 && answer.message.contains("compilation failed"))
        }
    }

    @Test("4b: status subresource: status is written through its own door only, and does not move the generation")
    func status() async throws {
        try await ConformanceTarget.run { session in
            var object = Widget.object(session, "a")
            object["status"] = ["observedGeneration": 7]
            let made = try await session.api.expect(201, "POST", session.widgets, object)
            #expect(made["status"] == nil && made["metadata"]?["generation"] == 1)
            let path = "\(session.widgets)/a"
            let patch: JSONObject = ["spec": ["mode": "Audit"], "status": ["observedGeneration": 1]]
            let type = "application/merge-patch+json"
            let status = try await session.api.expect(200, "PATCH", path + "/status", patch, type: type)
            #expect(status["spec"]?["mode"] == "Enforce" && status["status"]?["observedGeneration"] == 1)
            #expect(status["metadata"]?["generation"] == 1)
            let other: JSONObject = ["spec": ["mode": "Audit"], "status": ["observedGeneration": 9]]
            let main = try await session.api.expect(200, "PATCH", path, other, type: type)
            #expect(main["spec"]?["mode"] == "Audit" && main["status"]?["observedGeneration"] == 1)
            #expect(main["metadata"]?["generation"] == 2)
            let nothing = try await session.api.expect(
                200, "PATCH", path, ["status": ["observedGeneration": 5]], type: type)
            #expect(nothing.resourceVersion == main.resourceVersion)
        }
    }
}
