import Encodings
import Testing

@testable import Policy

/// The schema and the parser are two descriptions of the same documents, written apart so that each checks the other.
@Suite("Schema and parser")
struct SchemaAgreementTests {
    private func diagnostics(_ kind: ResourceKind, _ spec: JSONValue) -> [PolicyDiagnostic] {
        kind.diagnostics(kind.document(spec: spec))
    }

    private func findings(_ kind: ResourceKind, _ spec: JSONValue) -> [String] {
        StructuralValidator.findings(kind.document(spec: spec), kind.structuralSchema)
    }

    private func samples(_ kind: ResourceKind) -> [SchemaSample] {
        [0, 1, 2].map { SchemaSample(.object(kind.specSchema), choice: $0) }
    }

    /// Parser and schema both accept, or both refuse.
    private func expect(
        _ accepted: Bool, _ kind: ResourceKind, _ spec: JSONValue, _ why: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let codes = diagnostics(kind, spec).map(\.code)
        let findings = findings(kind, spec)
        #expect(codes.isEmpty == accepted, "parser, \(kind) \(why): \(codes)", sourceLocation: sourceLocation)
        #expect(findings.isEmpty == accepted, "schema, \(kind) \(why): \(findings)", sourceLocation: sourceLocation)
    }

    /// Parser and schema say the same, whatever it is.
    private func expectAgreement(
        _ kind: ResourceKind, _ spec: JSONValue, _ why: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expect(diagnostics(kind, spec).isEmpty, kind, spec, why, sourceLocation: sourceLocation)
    }

    @Test("a document with every field of the schema is accepted, and so is one with no more than it needs")
    func complete() {
        for kind in ResourceKind.allCases {
            for sample in samples(kind) { expect(true, kind, sample.value, "complete") }
            expect(true, kind, SchemaSample.least(.object(kind.specSchema)), "least")
        }
    }

    @Test("in every mapping an unknown field is refused, and the fields that the parser then offers are the schema's")
    func fields() {
        for kind in ResourceKind.allCases {
            for sample in samples(kind) {
                for part in sample.parts {
                    guard case .object(let object) = part.schema else { continue }
                    check(Set(object.fields.map(\.name)), at: part.path, of: sample, kind)
                }
            }
        }
    }

    private func check(
        _ described: Set<String>, at path: SchemaSample.Path, of sample: SchemaSample, _ kind: ResourceKind
    ) {
        // Like no name at all, so that the parser offers them all.
        let stranger = String(repeating: "0", count: 40)
        let spec = sample.changing(path) { value in
            guard case .object(var members) = value else { return value }
            members[stranger] = 1
            return .object(members)
        }
        let place = path.text
        #expect(findings(kind, spec).count == 1, "schema, \(kind) \(place)")
        let finding = diagnostics(kind, spec).first { $0.path == "\(place).\(stranger)" }
        let offered = finding?.hint?.split(separator: "known here: ").last?.split(separator: ", ").map(String.init)
        #expect(Set(offered ?? []) == described, "\(kind) \(place)")
    }

    @Test("the fields around spec are the schema's too", arguments: ResourceKind.allCases)
    func header(_ kind: ResourceKind) throws {
        let document = kind.document(spec: SchemaSample(.object(kind.specSchema)).value)
        guard case .object(let metadata)? = kind.documentSchema["metadata"]?.value else {
            Issue.record("no metadata")
            return
        }
        let stranger = String(repeating: "0", count: 40)
        let metadataMembers: [(String, JSONValue)] = [("name", "sample"), ("namespace", "payments"), (stranger, 1)]
        var wider = try #require(document.objectValue)
        wider["metadata"] = .object(JSONObject(metadataMembers))
        wider[stranger] = 1
        let hints = kind.diagnostics(.object(wider)).compactMap(\.hint)
        let offered = hints.map { Set($0.replacing("known here: ", with: "").split(separator: ", ").map(String.init)) }
        #expect(offered.contains(Set(kind.documentSchema.fields.map(\.name))))
        // That a kind takes no namespace is said by the value's own report.
        #expect(offered.contains(Set(metadata.fields.map(\.name)).union(["namespace"])))
        #expect((metadata["namespace"] == nil) == (kind.scope == .cluster))
        #expect((metadata["namespace"]?.isRequired ?? false) == (kind.scope == .namespaced))
    }

    @Test("the same fields are required", arguments: ResourceKind.allCases)
    func required(_ kind: ResourceKind) {
        for sample in samples(kind) {
            for part in sample.parts {
                guard case .object(let object) = part.schema else { continue }
                for field in object.fields {
                    let path = part.path + [.member(field.name)]
                    let spec = sample.changing(path) { _ in nil }
                    guard spec != sample.value else { continue }
                    guard object.rules.isEmpty else {
                        expectAgreement(kind, spec, "without \(path.text)")
                        continue
                    }
                    let isLast = object.minimumFields > 0 && object.fields.count == 1
                    let isOptional = !field.isRequired && !object.exactlyOneOf.contains(field.name) && !isLast
                    expect(isOptional, kind, spec, "without \(path.text)")
                }
                let nothing = sample.changing(part.path) { _ in [:] }
                guard object.rules.isEmpty else {
                    expectAgreement(kind, nothing, "empty \(part.path.text)")
                    continue
                }
                let needsNothing = object.minimumFields == 0 && !object.fields.contains(where: \.isRequired)
                expect(needsNothing && object.exactlyOneOf.isEmpty, kind, nothing, "empty \(part.path.text)")
            }
        }
    }

    @Test("fields that exclude each other are refused together", arguments: ResourceKind.allCases)
    func exclusive(_ kind: ResourceKind) {
        for part in samples(kind)[0].parts {
            guard case .object(let object) = part.schema, !object.exactlyOneOf.isEmpty else { continue }
            let spec = samples(kind)[0].changing(part.path) { value in
                guard case .object(var members) = value else { return value }
                for name in object.exactlyOneOf {
                    members[name] = object[name].map { SchemaSample.least($0.value) }
                }
                return .object(members)
            }
            expect(false, kind, spec, "all of \(object.exactlyOneOf) in \(part.path.text)")
        }
    }

    @Test("every word of the schema is accepted, and no other", arguments: ResourceKind.allCases)
    func words(_ kind: ResourceKind) {
        for sample in samples(kind) {
            for part in sample.parts {
                guard case .word(let words) = part.schema else { continue }
                for word in words {
                    let spec = sample.changing(part.path) { _ in .string(word) }
                    // Where a rule speaks of the field, not every word goes with everything else.
                    guard !isRuled(part.path, of: sample) else {
                        expectAgreement(kind, spec, "\(word) in \(part.path.text)")
                        continue
                    }
                    expect(true, kind, spec, "\(word) in \(part.path.text)")
                }
                let spec = sample.changing(part.path) { _ in "unheard-of" }
                expect(false, kind, spec, "another word in \(part.path.text)")
            }
        }
    }

    private func isRuled(_ path: SchemaSample.Path, of sample: SchemaSample) -> Bool {
        guard case .member(let name)? = path.last,
            let parent = sample.parts.first(where: { $0.path == path.dropLast() }),
            case .object(let object) = parent.schema
        else { return false }
        return object.rules.contains { $0.expression.contains("self.\(name)") }
    }

    @Test("numbers and texts have the same bounds", arguments: ResourceKind.allCases)
    func scalars(_ kind: ResourceKind) {
        let sample = SchemaSample(.object(kind.specSchema))
        for part in sample.parts {
            func with(_ value: JSONValue) -> JSONValue { sample.changing(part.path) { _ in value } }
            let name = part.path.text
            switch part.schema {
            case .integer(let range):
                expect(true, kind, with(.int(range.lowerBound)), "lowest \(name)")
                expect(true, kind, with(.int(range.upperBound)), "highest \(name)")
                expect(false, kind, with(.int(range.lowerBound - 1)), "lower \(name)")
                expect(false, kind, with(.int(range.upperBound + 1)), "higher \(name)")
                expect(false, kind, with("1"), "text in \(name)")
            case .text(let text):
                let long = String(repeating: "a", count: text.maximumLength + 1)
                expect(false, kind, with(.string(long)), "long \(name)")
                expect(text.minimumLength == 0, kind, with(""), "empty \(name)")
                expect(false, kind, with(7), "number in \(name)")
            case .boolean: expect(false, kind, with("true"), "text in \(name)")
            case .only(let value): expect(false, kind, with(.bool(!value)), "\(!value) in \(name)")
            default: continue
            }
        }
    }

    @Test("lists have the same bounds", arguments: ResourceKind.allCases)
    func lists(_ kind: ResourceKind) {
        for sample in samples(kind) {
            for part in sample.parts {
                guard case .list(let list) = part.schema else { continue }
                let name = part.path.text
                expect(list.minimum == 0, kind, sample.changing(part.path) { _ in [] }, "empty \(name)")
                func repeated(_ count: Int) -> JSONValue {
                    let items = (0..<count).map { index in
                        guard case .object(let item) = list.item else { return SchemaSample.least(list.item) }
                        if case .map(let key) = list.identity, key == "path" {
                            return SchemaSample.least(list.item, key: (key, "/run/n\(index)"))
                        }
                        guard item["name"] != nil else { return SchemaSample.least(list.item) }
                        return SchemaSample.least(list.item, key: ("name", "n\(index)"))
                    }
                    return sample.changing(part.path) { _ in .array(items) }
                }
                expect(false, kind, repeated(list.maximum + 1), "long \(name)")
                // The items of a set would have to differ.
                if list.identity != .set { expect(true, kind, repeated(list.maximum), "full \(name)") }
            }
        }
    }

    @Test("a pattern that only the schema or only the parser knows would show here")
    func patterns() {
        let own = [
            "payments/**", "payments/*/*", "payments/a/**", "payments/a/b", "payments/a/b/**", "payments/a:1/=@+~-",
        ]
        let notOwn = [
            "payments", "payments/*", "payments/a", "payments/.a/b", "payments/a/b/c", "**", "*/a/b", ".p/**",
        ]
        for (text, accepted) in own.map({ ($0, true) }) + notOwn.map({ ($0, false) }) {
            expect(accepted, .releasePolicy, ["match": ["resources": [.string(text)]]], text)
        }
        let bad = ["", "/a/b/c", "a//c", "a/b/c/", "a/b*/c", "**/a", "a/**/c", "a/b/\u{E9}", "a/b/c d", "a/b/.*?"]
        for text in bad {
            expect(false, .clusterReleasePolicy, ["match": ["resources": [.string(text)]]], text)
            expect(false, .releasePolicy, ["match": ["resources": [.string(text)]]], text)
        }
        for text in ["**", "*/*/*", "a/b/c", "a/**"] {
            expect(true, .clusterReleasePolicy, ["match": ["resources": [.string(text)]]], text)
        }
        let requirements: [(String, [String], [String])] = [
            ("maxEvidenceAge", ["1s", "90m", "1h30m", "1h1s"], ["", "10", "m", "1m1h", "1d", "-1s", "1.5h"]),
            ("minProtocol", ["0.4.0", "10.20.3000"], ["0.4", "0.4.0.1", "v0.4.0", "0.4.x", "00000.1.1"]),
        ]
        for (name, good, bad) in requirements {
            for (text, accepted) in good.map({ ($0, true) }) + bad.map({ ($0, false) }) {
                let spec: JSONValue = [
                    "match": ["resources": ["payments/**"]], "require": .object(JSONObject([(name, .string(text))])),
                ]
                expect(accepted, .releasePolicy, spec, "\(name) \(text)")
            }
        }
    }
}
