import Encodings
import Foundation
import Testing

@testable import Policy

@Suite("CustomResourceDefinitions")
struct CustomResourceDefinitionTests {
    private var folder: URL {
        Fixture.policiesFolder.deletingLastPathComponent().appending(path: "CRDs")
    }

    private func read(_ yaml: String) throws -> [JSONValue] {
        try YAMLStream.chunks(of: yaml).map { chunk in
            let context = DocumentContext(source: "test", chunk: chunk)
            let value = Field(node: try YAMLReader.read(chunk), path: "", context: context).json()
            return try #require(value, "\(context.diagnostics)")
        }
    }

    @Test("the files in CRDs are what `claviger crd` makes")
    func committed() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }
        #expect(Set(files) == Set(CustomResourceDefinition.all.map(\.fileName)))
        for definition in CustomResourceDefinition.all {
            let text = try String(contentsOf: folder.appending(path: definition.fileName), encoding: .utf8)
            #expect(text == definition.yaml, "run `claviger crd --out CRDs`: \(definition.fileName)")
        }
    }

    @Test("the YAML says what the definition says, in lines that can be read", arguments: ResourceKind.allCases)
    func yaml(_ kind: ResourceKind) throws {
        let definition = CustomResourceDefinition(kind)
        #expect(try read(definition.yaml) == [.object(definition.json)])
        #expect(definition.yaml.split(separator: "\n").allSatisfy { $0.count <= 200 })
    }

    @Test("texts that YAML could take for something else come back as they were, folded or not")
    func scalars() throws {
        let texts = [
            "", " ", "a ", "true", "No", "1", "0.4.0", "- a", "a: b", "a #b", "'", "\"", "\\", "*", "it's \"so\"",
            "\u{E9}",
            "a\nb", "a  b", "{a}", "2026-01-31T12:00:00Z", "null", "@type", "a, b", "a;b",
        ]
        let long = texts.map { $0 + String(repeating: " word", count: 40) }
        let object: JSONObject = [
            "texts": .array((texts + long).map { .string($0) }),
            "members": .object(JSONObject((texts + long).enumerated().map { ("m\($0)", .string($1)) })),
            "empty": [[:], []], "number": -1, "yes": true, "nested": [["a": [["b": 1]]]],
        ]
        for width in [nil, 40, 120] {
            #expect(try read(YAMLText.text(.object(object), foldingAt: width)) == [.object(object)])
        }
    }

    @Test("group, names and scope are those of the documents", arguments: ResourceKind.allCases)
    func names(_ kind: ResourceKind) throws {
        let definition = JSONValue.object(CustomResourceDefinition(kind).json)
        let plural = try #require(definition[pointer: "/spec/names/plural"]?.stringValue)
        #expect(definition[pointer: "/metadata/name"] == .string("\(plural).claviger.dev"))
        #expect(definition[pointer: "/spec/group"] == "claviger.dev")
        #expect(definition[pointer: "/spec/versions/0/name"] == "v1alpha1")
        #expect(definition[pointer: "/spec/names/kind"] == .string(kind.rawValue))
        #expect(definition[pointer: "/spec/scope"] == (kind.scope == .cluster ? "Cluster" : "Namespaced"))
        #expect(definition[pointer: "/spec/versions/0/subresources/status"] == [:])
        let conditions = definition[
            pointer: "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/conditions"]
        #expect(conditions?["x-kubernetes-list-type"] == "map")
        #expect(conditions?["x-kubernetes-list-map-keys"] == ["type"])
        let shortNames = ResourceKind.allCases.map(\.shortName)
        #expect(Set(shortNames).count == shortNames.count)
    }

    @Test("every schema is structural, explained and bounded", arguments: ResourceKind.allCases)
    func structural(_ kind: ResourceKind) throws {
        let properties = try #require(kind.structuralSchema["properties"]?.objectValue)
        for name in ["spec", "status"] { try check(#require(properties[name]), ".\(name)", isProperty: true) }
    }

    /// The rules for `apiextensions.k8s.io/v1` schemas, and our own: a sentence for each field, a bound for each size.
    private func check(_ schema: JSONValue, _ path: String, isProperty: Bool) throws {
        if isProperty {
            let text = try #require(schema["description"]?.stringValue, "\(path)")
            #expect(text.hasSuffix("."), "\(path)")
        }
        if schema["x-kubernetes-preserve-unknown-fields"]?.boolValue == true {
            #expect(schema["type"] == nil, "\(path)")
            return
        }
        switch try #require(schema["type"]?.stringValue, "\(path)") {
        case "string":
            #expect(schema["maxLength"] != nil || schema["enum"] != nil, "\(path)")
            if let example = schema["example"] {
                #expect(StructuralValidator.findings(example, schema).isEmpty, "\(path)")
            }
        case "integer": #expect(schema["minimum"] != nil && schema["format"] == "int64", "\(path)")
        case "array":
            #expect(schema["maxItems"] != nil, "\(path)")
            let items = try #require(schema["items"], "\(path)")
            let type = try #require(schema["x-kubernetes-list-type"]?.stringValue, "\(path)")
            if type == "map" {
                let key = try #require(schema["x-kubernetes-list-map-keys"]?.arrayValue?.first, "\(path)")
                #expect(items["required"]?.arrayValue?.contains(key) == true, "\(path)")
            }
            if type == "set" { #expect(items["type"] == "string", "\(path)") }
            try check(items, "\(path)[]", isProperty: false)
        case "object" where schema["additionalProperties"] != nil:
            #expect(schema["maxProperties"] != nil, "\(path)")
            try check(#require(schema["additionalProperties"]), "\(path){}", isProperty: false)
        case "object":
            let properties = try #require(schema["properties"]?.objectValue, "\(path)")
            for required in schema["required"]?.arrayValue ?? [] {
                #expect(properties.contains(required.stringValue ?? ""), "\(path)")
            }
            for (name, property) in properties { try check(property, "\(path).\(name)", isProperty: true) }
        case "boolean": break
        case let type: Issue.record("\(path) has the type \(type)")
        }
    }

    @Test("a rule names a field of its mapping, says what is wrong, and uses only fields with a type")
    func rules() {
        var count = 0
        for kind in ResourceKind.allCases {
            for part in SchemaSample(.object(kind.specSchema)).parts {
                guard case .object(let object) = part.schema else { continue }
                let schema = JSONValue.object(SchemaWriter(dialect: .structural).object(object))
                for rule in schema["x-kubernetes-validations"]?.arrayValue ?? [] {
                    count += 1
                    #expect(rule["message"]?.stringValue?.isEmpty == false)
                    let field = String((rule["fieldPath"]?.stringValue ?? "").dropFirst())
                    #expect(object[field] != nil, "\(kind) \(part.path.text) \(field)")
                    let expression = rule["rule"]?.stringValue ?? ""
                    #expect(!expression.isEmpty)
                    for name in expression.matches(of: /self\.([A-Za-z]+)/).map({ String($0.1) }) {
                        let used = schema[pointer: "/properties/\(name)"]
                        #expect(used?["type"] != nil, "\(kind) \(name)")
                        if let items = used?["items"] { #expect(items["type"] != nil, "\(kind) \(name)") }
                    }
                }
            }
        }
        #expect(count >= 8)
    }

    @Test("a secret's path can never change, and everything else can")
    func changes() throws {
        let kind = ResourceKind.brokeredSecret
        let schema = kind.structuralSchema
        func document(_ tag: String, _ origin: (String, JSONValue)) -> JSONValue {
            kind.document(
                spec: .object(["path": ["type": "database", "tag": .string(tag)], origin.0: origin.1]))
        }
        let random: (String, JSONValue) = ("generate", ["kind": "random"])
        let copied: (String, JSONValue) = ("secretRef", ["name": "a", "key": "b"])
        let old = document("password", random)
        #expect(StructuralValidator.changeFindings(from: old, to: document("password", copied), schema).isEmpty)
        let moved = StructuralValidator.changeFindings(from: old, to: document("other", random), schema)
        #expect(moved.count == 1 && moved[0].contains("cannot change"))
    }

    @Test("fields that can be selected are in the schema, and single values")
    func selectable() throws {
        for kind in ResourceKind.allCases {
            #expect(kind.selectableFields.count <= 8)
            for path in kind.selectableFields {
                let pointer = path.split(separator: ".").map { "/properties/\($0)" }.joined()
                let type = try #require(kind.structuralSchema[pointer: pointer]?["type"]?.stringValue, "\(path)")
                #expect(["string", "boolean", "integer"].contains(type))
            }
        }
    }

    @Test("what the rules forbid, the broker refuses as well")
    func forbidden() {
        let cases: [(ResourceKind, JSONValue)] = [
            (.clusterReleasePolicy, ["effect": "Guardrail", "match": ["resources": ["**"]]]),
            (
                .releasePolicy,
                [
                    "match": ["resources": ["payments/**"]],
                    "require": [
                        "initData": ["required": false, "digests": [.string(String(repeating: "0", count: 64))]]
                    ],
                ]
            ),
            (
                .appraisalPolicy,
                [
                    "class": "cpu",
                    "extensions": [["name": "ear.status", "fields": [["path": "a", "expression": "1"]]]],
                ]
            ),
            (.appraisalPolicy, ["class": "cpu", "rules": [["claim": "hardware", "value": 2, "when": []]]]),
            (
                .referenceValues,
                [
                    "values": [
                        [
                            "name": "a", "value": 1, "validFrom": "2027-01-01T00:00:00Z",
                            "validUntil": "2026-01-01T00:00:00Z",
                        ]
                    ]
                ]
            ),
        ]
        for (kind, spec) in cases {
            let document = kind.document(spec: spec)
            #expect(StructuralValidator.findings(document, kind.structuralSchema).count == 1, "\(spec)")
            #expect(kind.diagnostics(document).count == 1, "\(spec)")
        }
    }

    @Test("every ready policy fits its schema")
    func readyPolicies() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Fixture.policiesFolder.path)
        let texts = try names.filter { $0.hasSuffix(".yaml") }.map { try Fixture.readyPolicy($0) }
        #expect(!texts.isEmpty)
        for document in try texts.flatMap(read) {
            let kind = try #require(document["kind"]?.stringValue.flatMap { ResourceKind(rawValue: $0) })
            #expect(StructuralValidator.findings(document, kind.structuralSchema) == [], "\(document)")
        }
    }
}
