import Yams

/// One mapping of a kubeconfig. Members that nobody asks for are passed over, as kubectl does.
struct KubeconfigSection {
    /// The file, for messages.
    let name: String
    private let mapping: Node.Mapping

    init(parsing yaml: String, named name: String) throws(KubernetesError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            // What the parser says may quote the text, which holds secrets.
            throw KubernetesError(.configuration, message: "\(name) is not YAML.")
        }
        guard case .mapping(let mapping)? = root else {
            throw KubernetesError(.configuration, message: "\(name) is no mapping.")
        }
        self.init(name: name, mapping: mapping)
    }

    private init(name: String, mapping: Node.Mapping) {
        self.name = name
        self.mapping = mapping
    }

    /// An error about this section.
    func fault(_ sentence: String) -> KubernetesError {
        let line = mapping.mark.map { ":\($0.line)" } ?? ""
        return KubernetesError(.configuration, message: "\(name)\(line): \(sentence).")
    }

    /// The text of a member; nil when it is missing, null or empty.
    func text(_ key: String) throws(KubernetesError) -> String? {
        guard let node = member(key) else { return nil }
        guard case .scalar(let scalar) = node else { throw fault("\(key) must be text") }
        return scalar.string.isEmpty ? nil : scalar.string
    }

    /// The mapping of a member; nil when it is missing or null.
    func section(_ key: String) throws(KubernetesError) -> KubeconfigSection? {
        guard let node = member(key) else { return nil }
        guard case .mapping(let mapping) = node else { throw fault("\(key) must be a mapping") }
        return KubeconfigSection(name: name, mapping: mapping)
    }

    /// The mappings of a list; none when it is missing or null.
    func sections(_ key: String) throws(KubernetesError) -> [KubeconfigSection] {
        guard let node = member(key) else { return [] }
        guard case .sequence(let items) = node else { throw fault("\(key) must be a list") }
        var sections: [KubeconfigSection] = []
        for item in items {
            guard case .mapping(let mapping) = item else { throw fault("\(key) must be a list of mappings") }
            sections.append(KubeconfigSection(name: name, mapping: mapping))
        }
        return sections
    }

    private func member(_ key: String) -> Node? {
        for (name, value) in mapping {
            guard case .scalar(let scalar) = name, scalar.string == key else { continue }
            if case .scalar(let text) = value, text.style == .plain, ["", "~", "null"].contains(text.string) {
                return nil
            }
            return value
        }
        return nil
    }
}
