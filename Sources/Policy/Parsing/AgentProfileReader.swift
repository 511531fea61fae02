/// Reads the spec of an `AgentProfile`.
struct AgentProfileReader {
    static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
    static let signals = ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "WINCH"]
    private let header: DocumentHeader

    init(_ header: DocumentHeader) {
        self.header = header
    }

    func read() -> AgentProfileSpec? {
        let fields = ["selector", "mode", "container", "broker", "files", "prefetch", "socket", "startupTimeout"]
        guard let spec = ObjectReader(header.spec, fields: fields) else { return nil }
        let selector = spec["selector"].map(readSelector)
        let mode = spec["mode"].map { $0.word(AgentProfileSpec.Mode.self) } ?? .nativeSidecar
        let container = spec["container"].flatMap(readContainer)
        let broker = spec.required("broker").flatMap(readBroker)
        let files = spec["files"].map(readFiles) ?? []
        let prefetch = spec["prefetch"].map { readSet($0, maximum: 64, AgentFileReader.readURI) } ?? []
        let socket = spec["socket"].flatMap { AgentFileReader.readPath($0) }
        let timeout = spec["startupTimeout"].map { AgentFileReader.readSeconds($0, in: 1...3600) } ?? 120
        guard let mode, let broker, let timeout, selector != .some(.none) else { return nil }
        return AgentProfileSpec(
            selector: selector ?? nil, mode: mode, container: container, broker: broker, files: files,
            prefetch: prefetch, socket: socket, startupTimeout: timeout)
    }

    private func readSelector(_ field: Field) -> AgentProfileSpec.Selector? {
        guard let object = ObjectReader(field, fields: ["matchLabels", "runtimeClassNames"]) else { return nil }
        if object.isEmpty {
            field.report("invalid_value", "The selector names nothing.", hint: "leave it out, or name labels")
            return nil
        }
        var labels: [String: String] = [:]
        let members = object["matchLabels"]?.members() ?? []
        if members.count > 64 { object["matchLabels"]?.report("too_large", "There are more than 64 labels.") }
        for member in members {
            if let value = member.value.text(maximum: 63) { labels[member.key] = value }
        }
        let classes =
            object["runtimeClassNames"].map { field in
                readSet(field, maximum: 16) { KubernetesNames.read($0, KubernetesNames.subdomain) }
            } ?? []
        return AgentProfileSpec.Selector(matchLabels: labels, runtimeClassNames: classes)
    }

    private func readContainer(_ field: Field) -> AgentProfileSpec.Container? {
        guard let object = ObjectReader(field, fields: ["image", "logLevel", "requests", "limits"]) else { return nil }
        if object.isEmpty { field.report("invalid_value", "Nothing is said here.", hint: "leave the field out") }
        let image = object["image"].flatMap { readImage($0) }
        let level = object["logLevel"].flatMap { $0.choice(Self.logLevels) }
        return AgentProfileSpec.Container(
            image: image, logLevel: level, requests: readQuantities(object["requests"]),
            limits: readQuantities(object["limits"]))
    }

    private func readImage(_ field: Field) -> String? {
        guard let text = field.text(maximum: 512) else { return nil }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            field.report("invalid_value", "This is no image.", hint: "write REGISTRY/NAME@sha256:…")
            return nil
        }
        return text
    }

    private func readQuantities(_ field: Field?) -> [String: String] {
        guard let field, let object = ObjectReader(field, fields: ["cpu", "memory"]) else { return [:] }
        if object.isEmpty { field.report("invalid_value", "Nothing is said here.", hint: "leave the field out") }
        var quantities: [String: String] = [:]
        for name in ["cpu", "memory"] {
            guard let member = object[name], let text = member.text(maximum: 32) else { continue }
            if Self.isQuantity(text) {
                quantities[name] = text
            } else {
                member.report("invalid_value", "'\(text)' is no quantity.", hint: "write it like \"100m\" or \"64Mi\"")
            }
        }
        return quantities
    }

    /// Whole numbers with a suffix of Kubernetes; fractions have one with `m`.
    private static func isQuantity(_ text: String) -> Bool {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        let suffix = String(text.dropFirst(digits.count))
        return (1...15).contains(digits.count)
            && ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"].contains(suffix)
    }

    private func readBroker(_ field: Field) -> AgentProfileSpec.Broker? {
        guard let object = ObjectReader(field, fields: ["urls", "caBundle"]) else { return nil }
        let urls = object.required("urls")?.items(maximum: 8).map { $0.compactMap(readURL) }
        let bundle = object["caBundle"].map(readBundle)
        if case .some(.none) = bundle { return nil }
        guard let urls else { return nil }
        return AgentProfileSpec.Broker(
            urls: urls, caConfigMap: bundle??.configMap, caKey: bundle??.key ?? "ca.crt")
    }

    private func readURL(_ field: Field) -> String? {
        guard let text = field.text(maximum: 512) else { return nil }
        let rest = text.dropFirst("https://".count)
        guard text.hasPrefix("https://"), !rest.isEmpty, rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            field.report("invalid_value", "'\(text.prefix(80))' is no https:// address.")
            return nil
        }
        return text
    }

    private func readBundle(_ field: Field) -> (configMap: String, key: String)? {
        guard let object = ObjectReader(field, fields: ["configMap", "key"]) else { return nil }
        let name = object.required("configMap").flatMap { KubernetesNames.read($0, KubernetesNames.subdomain) }
        let key = object["key"].map { KubernetesNames.read($0, KubernetesNames.dataKey) } ?? "ca.crt"
        guard let name, let key else { return nil }
        return (name, key)
    }

    private func readFiles(_ field: Field) -> [AgentProfileSpec.File] {
        var paths: Set<String> = []
        return (field.items(maximum: 64) ?? []).compactMap { item in
            guard let file = AgentFileReader(item).read() else { return nil }
            if !paths.insert(file.path).inserted {
                item.report("duplicate_name", "The file '\(file.path)' is named twice.")
            }
            return file
        }
    }

    private func readSet(_ field: Field, maximum: Int, _ read: (Field) -> String?) -> [String] {
        var seen: Set<String> = []
        return (field.items(maximum: maximum) ?? []).compactMap { item in
            guard let text = read(item) else { return nil }
            if !seen.insert(text).inserted { item.report("duplicate_name", "'\(text)' is named twice.") }
            return text
        }
    }
}
