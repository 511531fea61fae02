import Encodings
import Foundation
import Testing

@testable import Policy

@Suite("JSON Schemas for editors")
struct EditorSchemaTests {
    private var folder: URL {
        Fixture.policiesFolder.deletingLastPathComponent().appending(path: "docs/schemas/claviger.dev")
    }

    @Test("the files in docs/schemas are what `claviger schema` makes")
    func committed() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(files) == Set(EditorSchema.all.map(\.fileName)))
        for schema in EditorSchema.all {
            let text = try String(contentsOf: folder.appending(path: schema.fileName), encoding: .utf8)
            #expect(text == schema.text, "run `claviger schema --out docs/schemas/claviger.dev`: \(schema.fileName)")
        }
    }

    @Test("the schema of any kind leads each kind to its own schema")
    func anyKind() throws {
        let schema = JSONValue.object(EditorSchema.anyKind.json)
        let branches = try #require(schema["allOf"]?.arrayValue)
        #expect(branches.count == ResourceKind.allCases.count)
        for (kind, branch) in zip(ResourceKind.allCases, branches) {
            #expect(branch[pointer: "/if/properties/kind/const"] == .string(kind.rawValue))
            #expect(branch[pointer: "/then/$ref"] == .string("#/definitions/\(kind.rawValue)"))
            var own = EditorSchema(kind).json
            own["$schema"] = nil
            #expect(schema[pointer: "/definitions/\(kind.rawValue)"] == .object(own))
        }
    }

    @Test("spec is the same in both schemas: its fields, what they need, and their sentences")
    func sameSpec() throws {
        for kind in ResourceKind.allCases {
            let editor = try #require(JSONValue.object(EditorSchema(kind).json)[pointer: "/properties/spec"])
            let structural = try #require(kind.structuralSchema[pointer: "/properties/spec"])
            try compare(editor, structural, "spec")
        }
    }

    private func compare(_ editor: JSONValue, _ structural: JSONValue, _ path: String) throws {
        for name in ["type", "description", "required", "enum", "pattern", "minLength", "maxLength", "maxItems"] {
            #expect(editor[name] == structural[name], "\(path) \(name)")
        }
        guard let properties = editor["properties"]?.objectValue else {
            guard let items = editor["items"] else { return }
            return try compare(items, #require(structural["items"]), "\(path)[]")
        }
        #expect(editor["additionalProperties"] == false, "\(path)")
        #expect(properties.names == structural["properties"]?.objectValue?.names, "\(path)")
        for (name, property) in properties {
            try compare(property, #require(structural[pointer: "/properties/\(name)"]), "\(path).\(name)")
        }
    }

    @Test("a default is only told to editors: in a cluster it would change the documents")
    func defaults() throws {
        let editor = JSONValue.object(EditorSchema(.clusterReleasePolicy).json)
        #expect(editor[pointer: "/properties/spec/properties/effect/default"] == "Allow")
        let effect = try #require(
            ResourceKind.clusterReleasePolicy.structuralSchema[pointer: "/properties/spec/properties/effect"])
        #expect(effect["default"] == nil)
        #expect(effect["description"]?.stringValue?.hasSuffix("Not given: Allow.") == true)
        for kind in ResourceKind.allCases { #expect(!CustomResourceDefinition(kind).yaml.contains("default:")) }
    }

    @Test("what a field means by its absence is what the parser makes of it")
    func assumed() throws {
        for kind in ResourceKind.allCases {
            for choice in [0, 1, 2] {
                let sample = SchemaSample(.object(kind.specSchema), choice: choice)
                for part in sample.parts {
                    guard case .object(let object) = part.schema else { continue }
                    for field in object.fields {
                        guard let assumed = field.assumed else { continue }
                        let path = part.path + [.member(field.name)]
                        let written = sample.changing(path) { _ in assumed }
                        let absent = sample.changing(path) { _ in nil }
                        #expect(try meaning(kind, written) == meaning(kind, absent), "\(kind) \(path.text)")
                    }
                }
            }
        }
    }

    /// What the parser made of a document, without places in the text and without any order.
    private func meaning(_ kind: ResourceKind, _ spec: JSONValue) throws -> [String] {
        let documents = try ResourceParser.parse(kind.document(spec: spec).serializedString(), source: "sample")
        var text = ""
        for document in documents {
            if let policy = document.policy { dump(policy.spec, to: &text) } else { dump(document.spec, to: &text) }
        }
        // An optional repeats on one line, in any order, what the lines below it say.
        return text.replacing(/((line|column|offset): |#)[0-9]+/, with: "").split(separator: "\n")
            .map { String($0.replacing(/Optional\(.*/, with: "Optional")) }.sorted()
    }

    @Test("kinds are found by the names that kubectl knows")
    func names() {
        for kind in ResourceKind.allCases {
            for name in [kind.rawValue, kind.rawValue.lowercased(), kind.pluralName, kind.shortName.uppercased()] {
                #expect(ResourceKind(named: name) == kind)
            }
        }
        #expect(ResourceKind(named: "policy") == nil)
    }
}
