/// Reads the spec of a `BrokeredSecret`.
struct BrokeredSecretReader {
    static let maximumSealedBytes = 131_072
    private static let maximumSegmentBytes = 253
    private let header: DocumentHeader

    init(_ header: DocumentHeader) {
        self.header = header
    }

    func read() -> BrokeredSecretSpec? {
        let fields = ["path", "generate", "sealed", "secretRef", "versions", "deletionPolicy", "adopt"]
        guard let spec = ObjectReader(header.spec, fields: fields) else { return nil }
        let path = spec.required("path").flatMap(readPath)
        let origin = readOrigin(spec)
        let kept = spec["versions"].map(readVersions) ?? BrokeredSecretSpec.defaultVersions
        let deletion = spec["deletionPolicy"].map { $0.word(BrokeredSecretSpec.DeletionPolicy.self) } ?? .retain
        let adopts = spec["adopt"].map { $0.bool() } ?? false
        guard let path, let origin, let kept, let deletion, let adopts else { return nil }
        return BrokeredSecretSpec(
            path: path, origin: origin, versionsKept: kept, deletionPolicy: deletion, adopts: adopts)
    }

    private func readPath(_ field: Field) -> BrokeredSecretSpec.Path? {
        guard let object = ObjectReader(field, fields: ["repository", "type", "tag"]) else { return nil }
        if let repository = object["repository"], let text = readSegment(repository), let namespace = header.namespace,
            !text.hasSameUTF8(as: namespace)
        {
            repository.report(
                "foreign_repository", "The secrets of the namespace '\(namespace)' are in its own repository.",
                hint: "write \(namespace), or leave the field out")
        }
        let type = object.required("type").flatMap(readSegment)
        let tag = object.required("tag").flatMap(readSegment)
        guard let type, let tag else { return nil }
        return BrokeredSecretSpec.Path(type: type, tag: tag)
    }

    private func readSegment(_ field: Field) -> String? {
        guard let text = field.text(maximum: Self.maximumSegmentBytes) else { return nil }
        let isSegment = text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "_-.".utf8.contains(byte)
            }
        }
        guard isSegment, let first = text.utf8.first, first != UInt8(ascii: ".") else {
            field.report(
                "invalid_value", "'\(text)' cannot be a segment of a resource.",
                hint: "use letters, digits, '_', '-' and '.', not beginning with '.'")
            return nil
        }
        return text
    }

    private func readOrigin(_ spec: ObjectReader) -> BrokeredSecretSpec.Origin? {
        let given = ["generate", "sealed", "secretRef"].compactMap { spec[$0] }
        guard let first = given.first, given.count == 1 else {
            (given.last ?? header.spec).report(
                given.isEmpty ? "missing_field" : "invalid_value",
                "Exactly one of 'generate', 'sealed' and 'secretRef' must be given.")
            return nil
        }
        if spec["generate"] != nil { return readGenerated(first).map { .generate($0) } }
        if spec["sealed"] != nil { return readSealed(first).map { .sealed($0) } }
        return readReference(first).map { .secretRef($0) }
    }

    private func readGenerated(_ field: Field) -> GeneratedSecret? {
        guard let object = ObjectReader(field, fields: ["kind", "length", "rotationInterval"]) else { return nil }
        let kind = object.required("kind")?.word(GeneratedSecret.Kind.self)
        let length = object["length"].map { $0.integer(in: GeneratedSecret.lengthBounds) }
        if let kind, kind != .random, let field = object["length"] {
            field.report("invalid_value", "Only 'random' has a length.", hint: "leave the field out")
        }
        let interval = object["rotationInterval"].map(readInterval)
        guard let kind, length != .some(.none), interval != .some(.none) else { return nil }
        return GeneratedSecret(
            kind: kind, length: (length ?? nil) ?? GeneratedSecret.defaultLength, rotationInterval: interval ?? nil)
    }

    private func readInterval(_ field: Field) -> Int64? {
        guard let text = field.text(maximum: 32) else { return nil }
        if let seconds = DurationText.seconds(text), GeneratedSecret.rotationBounds.contains(seconds) { return seconds }
        field.report(
            "invalid_value", "'\(text)' is no time between 1h and ten years.", hint: "write it like 720h or 24h30m")
        return nil
    }

    private func readSealed(_ field: Field) -> String? {
        guard let object = ObjectReader(field, fields: ["jwe"]), let jwe = object.required("jwe"),
            let text = jwe.text(maximum: Self.maximumSealedBytes)
        else { return nil }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isCompact =
            parts.count == 5
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { byte in
                        switch byte {
                        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                        default: "_-".utf8.contains(byte)
                        }
                    }
            }
        guard isCompact else {
            jwe.report(
                "invalid_value", "This is no sealed value.", hint: "make one with: claviger secret seal-to-broker")
            return nil
        }
        return text
    }

    private func readReference(_ field: Field) -> SecretReference? {
        guard let object = ObjectReader(field, fields: ["name", "key"]) else { return nil }
        let name = object.required("name").flatMap { KubernetesNames.read($0, KubernetesNames.subdomain) }
        let key = object.required("key").flatMap { KubernetesNames.read($0, KubernetesNames.dataKey) }
        guard let name, let key else { return nil }
        return SecretReference(name: name, key: key)
    }

    private func readVersions(_ field: Field) -> Int64? {
        ObjectReader(field, fields: ["keep"])?.required("keep")?.integer(in: BrokeredSecretSpec.versionBounds)
    }
}
