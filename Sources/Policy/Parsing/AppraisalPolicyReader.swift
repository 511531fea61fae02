import CEL
import Encodings
import RATS

/// Reads the spec of an `AppraisalPolicy`.
struct AppraisalPolicyReader {
    private let header: DocumentHeader

    init(_ header: DocumentHeader) {
        self.header = header
    }

    func read() -> AppraisalPolicySpec? {
        guard let spec = ObjectReader(header.spec, fields: ["class", "defaults", "rules", "extensions"]) else {
            return nil
        }
        let deviceClass = spec.required("class")?.word(DeviceClass.self)
        var defaults: [TrustClaim: Int8] = [:]
        for member in spec["defaults"]?.members() ?? [] {
            guard let claim = readTrustClaim(member.name), let value = readGrade(member.value) else { continue }
            defaults[claim] = value
        }
        let rules = (spec["rules"]?.items(maximum: 512, allowEmpty: true) ?? []).compactMap(readRule)
        let extensions = readExtensions(spec["extensions"])
        guard let deviceClass else { return nil }
        return AppraisalPolicySpec(deviceClass: deviceClass, defaults: defaults, rules: rules, extensions: extensions)
    }

    private func readGrade(_ field: Field) -> Int8? {
        field.integer(in: -128...127).flatMap { Int8(exactly: $0) }
    }

    private func readRule(_ field: Field) -> AppraisalRule? {
        guard let rule = ObjectReader(field, fields: ["tee", "tees", "claim", "value", "when"]) else { return nil }
        let tees = readTEEs(rule)
        let claim = rule.required("claim").flatMap(readTrustClaim)
        let value = rule.required("value").flatMap(readGrade)
        let scope = ExpressionScope.appraisal(tees: tees)
        let conditions = rule.required("when")?.items(maximum: 64, allowEmpty: true)?.compactMap {
            PolicyExpression.read($0, scope: scope, yields: .bool)
        }
        guard let claim, let value, let conditions, !tees.isEmpty else { return nil }
        return AppraisalRule(
            tees: tees, claim: claim, value: value, conditions: conditions, path: field.path,
            position: field.node.position)
    }

    /// One kind, or a list of them: in two fields, because a schema for Kubernetes gives a field one type.
    private func readTEEs(_ rule: ObjectReader) -> [TEE] {
        switch (rule["tee"], rule["tees"]) {
        case (let single?, nil):
            if case .sequence = single.node.content {
                single.report("wrong_type", "This must be text, not a list.", hint: "name several kinds in 'tees'")
                return []
            }
            return readTEE(single).map { [$0] } ?? []
        case (nil, let list?): return (list.items(maximum: 32) ?? []).compactMap { readTEE($0) }
        case (nil, nil):
            rule.field.report("missing_field", "The field 'tee' or 'tees' is missing.", hint: "'tees' takes a list")
        case (.some, let list?):
            list.report("invalid_value", "Only one of 'tee' and 'tees' can be given.")
        }
        return []
    }

    private func readExtensions(_ field: Field?) -> [AppraisalExtension] {
        var extensions: [AppraisalExtension] = []
        for item in field?.items(maximum: 16) ?? [] {
            guard let object = ObjectReader(item, fields: ["name", "fields"]) else { continue }
            let fields = (object.required("fields")?.items(maximum: 64) ?? []).compactMap(readExtensionField)
            guard let nameField = object.required("name"), let name = nameField.text(maximum: 253) else { continue }
            let taken = ["ear.status", "ear.trustworthiness-vector", "ear.appraisal-policy-id"]
            guard !name.isEmpty, !taken.contains(name), !name.hasPrefix("ear.veraison.") else {
                nameField.report(
                    "invalid_value", "'\(name)' is a member that every appraisal has.", hint: "choose another name")
                continue
            }
            guard !extensions.contains(where: { $0.name == name }) else {
                nameField.report("duplicate_name", "The extension '\(name)' is declared twice.")
                continue
            }
            extensions.append(AppraisalExtension(name: name, fields: fields))
        }
        return extensions
    }

    private func readExtensionField(_ field: Field) -> AppraisalExtensionField? {
        guard let object = ObjectReader(field, fields: ["path", "expression", "omitEmpty"]) else { return nil }
        let omitEmpty = object["omitEmpty"]?.bool() ?? false
        let expression = object.required("expression").flatMap { PolicyExpression.read($0, scope: .appraisalOfAny) }
        guard let pathField = object.required("path"), let text = pathField.text(maximum: 253), let expression else {
            return nil
        }
        let path = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.count <= 8, path.allSatisfy({ !$0.isEmpty }) else {
            pathField.report(
                "invalid_value", "'\(text)' is no path of members.", hint: "write it like validated.container_images")
            return nil
        }
        return AppraisalExtensionField(path: path, expression: expression, omitEmpty: omitEmpty)
    }
}
