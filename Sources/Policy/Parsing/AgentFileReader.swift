/// Reads one of `spec.files` of an `AgentProfile`.
struct AgentFileReader {
    private static let owners: ClosedRange<Int64> = 0...4_294_967_294
    private let field: Field

    init(_ field: Field) {
        self.field = field
    }

    func read() -> AgentProfileSpec.File? {
        let fields = [
            "uri", "path", "mode", "user", "group", "required", "refreshInterval", "lease", "whenRefused", "onChange",
        ]
        guard let object = ObjectReader(field, fields: fields) else { return nil }
        let uri = object.required("uri").flatMap(Self.readURI)
        let path = object.required("path").flatMap { Self.readPath($0) }
        let mode = object["mode"].map(readMode) ?? "0400"
        let user = object["user"].flatMap { $0.integer(in: Self.owners) }
        let group = object["group"].flatMap { $0.integer(in: Self.owners) }
        let isRequired = object["required"].map { $0.bool() } ?? true
        let refresh = object["refreshInterval"].map { Self.readSeconds($0, in: 0...31_536_000) } ?? 60
        let lease = object["lease"].flatMap { Self.readSeconds($0, in: 1...31_536_000) }
        let refusal = object["whenRefused"].map { $0.word(AgentProfileSpec.File.Refusal.self) } ?? .remove
        let notice = object["onChange"].flatMap(readNotice)
        guard let uri, let path, let mode, let isRequired, let refresh, let refusal else { return nil }
        return AgentProfileSpec.File(
            uri: uri, path: path, mode: mode, user: user, group: group, isRequired: isRequired,
            refreshInterval: refresh, lease: lease, refusal: refusal, notice: notice)
    }

    private func readMode(_ field: Field) -> String? {
        guard let text = field.text(maximum: 4) else { return nil }
        let bytes = Array(text.utf8)
        // Never writable for others.
        let isMode =
            bytes.count == 4 && bytes[0] == UInt8(ascii: "0")
            && bytes.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
            && (bytes[3] - UInt8(ascii: "0")) & 2 == 0
        if isMode { return text }
        field.report(
            "invalid_value", "'\(text)' cannot be the mode of a file with a secret.",
            hint: "write it in quotes, like \"0440\"; others may never write")
        return nil
    }

    private func readNotice(_ field: Field) -> AgentProfileSpec.Notice? {
        guard let object = ObjectReader(field, fields: ["signal", "exit"]) else { return nil }
        switch (object["signal"], object["exit"]) {
        case (let signal?, nil): return readSignal(signal)
        case (nil, let exit?):
            guard let value = exit.bool() else { return nil }
            if !value {
                exit.report("invalid_value", "Only 'true' can be asked for.", hint: "leave onChange out")
            }
            return .exit
        default:
            field.report("invalid_value", "Exactly one of 'signal' and 'exit' must be given.")
            return nil
        }
    }

    private func readSignal(_ field: Field) -> AgentProfileSpec.Notice? {
        guard let object = ObjectReader(field, fields: ["name", "process"]) else { return nil }
        let name = object.required("name")?.choice(AgentProfileReader.signals)
        let process = object.required("process")?.text(maximum: 255)
        guard let name, let process else { return nil }
        guard !process.isEmpty, process.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x2F }) else {
            object["process"]?.report("invalid_value", "This is no name of a process.")
            return nil
        }
        return .signal(name: name, process: process)
    }

    static func readURI(_ field: Field) -> String? {
        guard let text = field.text(maximum: 1024) else { return nil }
        let parts = text.dropFirst("kbs:///".count).split(separator: "/", omittingEmptySubsequences: false)
        let isURI =
            text.hasPrefix("kbs:///") && parts.count == 3
            && parts.allSatisfy { part in
                part.utf8.first.map { $0 != UInt8(ascii: ".") } ?? false
                    && KubernetesNames.dataKey.isOne(String(part))
            }
        if isURI { return text }
        field.report(
            "invalid_value", "'\(text.prefix(80))' is no resource.", hint: "write it as kbs:///repository/type/tag")
        return nil
    }

    static func readPath(_ field: Field) -> String? {
        guard let text = field.text(maximum: 1024) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isPath =
            parts.count >= 2 && parts[0].isEmpty
            && parts.dropFirst().allSatisfy { part in
                part.utf8.first.map { $0 != UInt8(ascii: ".") } ?? false
                    && KubernetesNames.dataKey.isOne(String(part))
            }
        if isPath { return text }
        field.report(
            "invalid_value", "'\(text.prefix(80))' is no absolute path of a file.",
            hint: "use letters, digits, '_', '-' and '.' between slashes; no name begins with '.'")
        return nil
    }

    static func readSeconds(_ field: Field, in range: ClosedRange<Int64>) -> Int64? {
        guard let text = field.text(maximum: 32) else { return nil }
        if let seconds = DurationText.seconds(text), range.contains(seconds) { return seconds }
        field.report(
            "invalid_value",
            "'\(text)' is no time from \(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound)).",
            hint: "write it like 90s or 10m")
        return nil
    }
}

extension Field {
    /// A word out of a list.
    func choice(_ words: [String]) -> String? {
        guard let text = text() else { return nil }
        if words.contains(text) { return text }
        report("invalid_value", "'\(text)' is not known here.", hint: NearestName.hint(for: text, among: words))
        return nil
    }
}
