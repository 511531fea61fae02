import Encodings

extension ResourceKind {
    /// The kind that a CustomResourceDefinition defines in its stored version.
    init(definition: JSONObject) throws {
        guard let spec = definition["spec"]?.objectValue, let group = spec["group"]?.stringValue,
            let names = spec["names"], let plural = names["plural"]?.stringValue, let kind = names["kind"]?.stringValue,
            let version = spec["versions"]?.arrayValue?.first(where: { $0["storage"]?.boolValue == true }),
            let versionName = version["name"]?.stringValue
        else {
            throw SchemaError(field: "spec", message: "Required value: group, names and a stored version")
        }
        guard definition["metadata"]?["name"]?.stringValue == "\(plural).\(group)" else {
            throw SchemaError(
                field: "metadata.name",
                message: "Invalid value: must be spec.names.plural+\".\"+spec.group: \"\(plural).\(group)\"")
        }
        guard let root = version["schema"]?["openAPIV3Schema"] else {
            throw SchemaError(
                field: "spec.versions[0].schema.openAPIV3Schema", message: "Required value: schemas are required")
        }
        self.init(group, versionName, plural, kind, isNamespaced: spec["scope"]?.stringValue == "Namespaced")
        func texts(_ value: JSONValue?) -> [String] { (value?.arrayValue ?? []).compactMap(\.stringValue) }
        singular = names["singular"]?.stringValue ?? kind.lowercased()
        listKind = names["listKind"]?.stringValue ?? "\(kind)List"
        shortNames = texts(names["shortNames"])
        categories = texts(names["categories"])
        hasStatus = version["subresources"]?["status"] != nil
        hasGeneration = true
        demandsVersion = true
        isCustom = true
        schema = try StructuralSchema(root, at: "spec.versions[0].schema.openAPIV3Schema")
        let given = (version["additionalPrinterColumns"]?.arrayValue ?? []).map(PrinterColumn.init)
        columns = [.name] + (given.isEmpty ? [.age] : given)
        selectableFields = (version["selectableFields"]?.arrayValue ?? []).compactMap {
            $0["jsonPath"]?.stringValue.map { String($0.drop { $0 == "." }) }
        }
    }
}

extension PrinterColumn {
    fileprivate init(_ json: JSONValue) {
        self.init(
            name: json["name"]?.stringValue ?? "", type: json["type"]?.stringValue ?? "string",
            format: json["format"]?.stringValue ?? "", description: json["description"]?.stringValue ?? "",
            priority: json["priority"]?.intValue ?? 0,
            path: FieldPathExpression(json["jsonPath"]?.stringValue ?? ""))
    }
}
