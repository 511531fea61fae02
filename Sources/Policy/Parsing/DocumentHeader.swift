/// `apiVersion`, `kind` and `metadata`, and the spec that is still to be read.
struct DocumentHeader {
    let kind: ResourceKind
    let namespace: String?
    let name: String
    let spec: Field

    /// `nil`, with reports, when the document cannot be told apart well enough to look into its spec.
    init?(_ document: Field) {
        guard let top = ObjectReader(document, fields: ["apiVersion", "kind", "metadata", "spec"]) else { return nil }
        if let version = top.required("apiVersion"), let text = version.text(), text != PolicyDocument.apiVersion {
            version.report(
                "invalid_value", "The apiVersion '\(text)' is not known.", hint: "write \(PolicyDocument.apiVersion)")
        }
        let kind = top.required("kind")?.word(ResourceKind.self)
        let metadataField = top.required("metadata")
        let spec = top.required("spec")
        guard let kind, let spec, let metadataField,
            let metadata = ObjectReader(metadataField, fields: ["name", "namespace", "labels", "annotations"])
        else { return nil }
        for name in ["labels", "annotations"] {
            for member in metadata[name]?.members() ?? [] { _ = member.value.text(maximum: 65_536) }
        }
        let name = metadata.required("name").flatMap(Self.objectName)
        let namespace = Self.namespace(metadata, kind)
        guard let name, let namespace else { return nil }
        self.kind = kind
        self.name = name
        self.namespace = namespace.value
        self.spec = spec
    }

    private static func namespace(_ metadata: ObjectReader, _ kind: ResourceKind) -> (value: String?, Void)? {
        guard let field = metadata["namespace"] else {
            guard kind.scope == .namespaced else { return (nil, ()) }
            _ = metadata.required("namespace")
            return nil
        }
        guard kind.scope != .cluster else {
            field.report(
                "invalid_value", "A \(kind.rawValue) belongs to no namespace.", hint: "remove metadata.namespace")
            return nil
        }
        guard let text = field.text(maximum: 63) else { return nil }
        guard isNamespace(text) else {
            field.report(
                "invalid_value", "'\(text)' cannot be a namespace.",
                hint: "use letters, digits, '-', '_' and '.', beginning with a letter, a digit, '-' or '_'")
            return nil
        }
        return (text, ())
    }

    /// A namespace is the first segment of resource names, so it may be whatever such a segment may be.
    private static func isNamespace(_ text: String) -> Bool {
        // A lone "-" stands for "no namespace" in identifiers.
        !text.isEmpty && text != "-" && text.utf8.first != UInt8(ascii: ".")
            && text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// A name as Kubernetes allows it (RFC 1123 subdomain).
    private static func objectName(_ field: Field) -> String? {
        guard let text = field.text(maximum: 253) else { return nil }
        let bytes = Array(text.utf8)
        let plain = bytes.allSatisfy { (isAlphanumeric($0) && !(0x41...0x5A).contains($0)) || $0 == 0x2D || $0 == 0x2E }
        guard plain, let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else {
            field.report(
                "invalid_value", "'\(text)' cannot be a name.",
                hint: "use lowercase letters, digits, '-' and '.', with a letter or digit at both ends")
            return nil
        }
        return text
    }
}
