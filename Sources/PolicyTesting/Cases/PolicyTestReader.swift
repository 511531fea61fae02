import Encodings
import FoundationEssentials
import Policy
import RATS

extension PolicyTestSuite {
    /// Reads the documents of a test file.
    ///
    /// `source` names the text in diagnostics. Throws `PolicyError` with everything that is wrong, each with its line and
    /// column; a document of another kind is wrong, too.
    public static func read(_ yaml: String, source: String) throws(PolicyError) -> [PolicyTestSuite] {
        try DocumentStream.read(yaml, source: source) { PolicyTestReader($0, source: source).read() }
    }
}

/// Reads one document of the kind `PolicyTest`.
struct PolicyTestReader {
    private let document: Field
    private let source: String

    init(_ document: Field, source: String) {
        self.document = document
        self.source = source
    }

    func read() -> PolicyTestSuite? {
        guard let top = ObjectReader(document, fields: ["apiVersion", "kind", "metadata", "spec"]),
            let name = readHeader(top), let specField = top.required("spec"),
            let spec = ObjectReader(
                specField, fields: ["policies", "now", "referenceValues", "evidence", "defaults", "cases"])
        else { return nil }
        let policies = (spec.required("policies")?.items(maximum: 64) ?? []).compactMap { $0.text(maximum: 1024) }
        var common = CaseSettings()
        common.now = spec["now"].flatMap(CaseSettingsReader.readTime)
        let registered = spec["referenceValues"]?.jsonObject() ?? JSONObject()
        let reader = CaseSettingsReader(evidence: readEvidence(spec["evidence"]))
        if let field = spec["defaults"], let object = ObjectReader(field, fields: CaseSettingsReader.fields) {
            common = reader.read(object).filled(from: common)
        }
        let items = spec.required("cases")?.items(maximum: 2000) ?? []
        var names: Set<String> = []
        let cases = items.compactMap { item -> PolicyTestCase? in
            guard let test = readCase(item, reader, common, registered) else { return nil }
            guard names.insert(test.name).inserted else {
                item.report("duplicate_name", "There are two cases '\(test.name)'.")
                return nil
            }
            return test
        }
        return PolicyTestSuite(name: name, source: source, line: document.line, policies: policies, cases: cases)
    }

    private func readHeader(_ top: ObjectReader) -> String? {
        if let field = top.required("apiVersion"), let text = field.text(), text != PolicyDocument.apiVersion {
            field.report(
                "invalid_value", "The apiVersion '\(text)' is not known.", hint: "write \(PolicyDocument.apiVersion)")
        }
        if let field = top.required("kind"), let text = field.text(), text != PolicyTestSuite.kind {
            field.report(
                "invalid_value", "A test file holds documents of the kind PolicyTest, not '\(text)'.",
                hint: "policies are named in spec.policies")
        }
        guard let field = top.required("metadata"),
            let metadata = ObjectReader(field, fields: ["name", "labels", "annotations"])
        else { return nil }
        for name in ["labels", "annotations"] {
            for member in metadata[name]?.members() ?? [] { _ = member.value.text(maximum: 65_536) }
        }
        return metadata.required("name")?.nonEmptyText(maximum: 253)
    }

    private func readEvidence(_ field: Field?) -> [String: [TestAttester]] {
        var evidence: [String: [TestAttester]] = [:]
        for member in field?.members() ?? [] {
            evidence[member.key] = TestAttester.readList(member.value)
        }
        return evidence
    }

    private func readCase(
        _ field: Field, _ reader: CaseSettingsReader, _ common: CaseSettings, _ registered: JSONObject
    ) -> PolicyTestCase? {
        guard let object = ObjectReader(field, fields: ["name", "expect"] + CaseSettingsReader.fields) else {
            return nil
        }
        let name = object.required("name")?.nonEmptyText(maximum: 300)
        let settings = reader.read(object).filled(from: common)
        let expectation = object.required("expect").flatMap(ExpectationReader.read)
        guard let name, let expectation else { return nil }
        if expectation.concernsDecision, settings.request == nil {
            object["expect"]?.report(
                "missing_field", "A verdict can only be expected of a request.", hint: "give the case a 'request'")
        }
        guard let subject = reader.subject(of: settings, in: object) else { return nil }
        let values = JSONValue.object(registered).merging(patch: .object(settings.referenceValues ?? JSONObject()))
        return PolicyTestCase(
            name: name, line: field.line, subject: subject, now: settings.now ?? CaseSettings.usualTime,
            age: settings.age ?? 0, protocolVersion: settings.protocolVersion, issuer: settings.issuer ?? "claviger",
            referenceValues: ReferenceValues(values.dictionary), request: settings.request, expectation: expectation)
    }
}

extension JSONValue {
    fileprivate var dictionary: [String: JSONValue] {
        Dictionary((objectValue ?? JSONObject()).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }
}

extension Field {
    /// The value as a JSON object; anything else is reported.
    func jsonObject() -> JSONObject? {
        guard members() != nil else { return nil }
        return json()?.objectValue
    }

    func nonEmptyText(maximum: Int) -> String? {
        guard let text = text(maximum: maximum) else { return nil }
        guard !text.isEmpty else {
            report("invalid_value", "The text is empty.")
            return nil
        }
        return text
    }
}
