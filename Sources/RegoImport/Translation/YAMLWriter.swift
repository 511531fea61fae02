import Encodings
import Policy

/// Writes policy documents line by line.
struct YAMLWriter {
    private var lines: [String] = []
    private var headerIndex: Int?
    private var kind: PolicyKind?
    private var namespace: String?

    mutating func comment(_ text: String) { lines.append("# " + text) }

    /// `apiVersion` to `spec`; the name is filled in at the end.
    mutating func header(_ kind: PolicyKind, namespace: String?) {
        self.kind = kind
        self.namespace = namespace
        headerIndex = lines.count
    }

    mutating func line(_ level: Int, _ text: String) {
        lines.append(String(repeating: "  ", count: level) + text)
    }

    /// The containers that verified init-data allows: the extension `ear.trustee.identifiers`.
    mutating func identifiersExtension() {
        let containers = "init_data_claims.agent_policy_claims.containers"
        let image = "\"io.kubernetes.cri.image-name\""
        let fields = [
            (
                "container_images",
                "has(c.OCI) && has(c.OCI.Annotations) && \(image) in c.OCI.Annotations", "c.OCI.Annotations[\(image)]"
            ),
            (
                "container_uids",
                "has(c.OCI) && has(c.OCI.Process) && has(c.OCI.Process.User) && has(c.OCI.Process.User.UID)",
                "c.OCI.Process.User.UID"
            ),
        ]
        line(1, "extensions:")
        line(2, "- name: ear.trustee.identifiers")
        line(3, "fields:")
        for (name, condition, value) in fields {
            line(4, "- path: validated.\(name)")
            line(5, "omitEmpty: true")
            line(5, "expression: " + Self.quoted("\(containers).filter(c, \(condition)).map(c, \(value))"))
        }
    }

    func text(name: String) -> String {
        guard let headerIndex, let kind else { return "" }
        var header = [
            "apiVersion: \(PolicyDocument.apiVersion)", "kind: \(kind.rawValue)", "metadata:", "  name: \(name)",
        ]
        if let namespace { header.append("  namespace: \(Self.quoted(namespace))") }
        header.append("spec:")
        let all = lines[..<headerIndex] + header + lines[headerIndex...]
        return all.joined(separator: "\n") + "\n"
    }

    static func list(_ items: [String]) -> String { "[" + items.map(quoted).joined(separator: ", ") + "]" }

    /// JSON strings are YAML's double-quoted strings.
    static func quoted(_ text: String) -> String { JSONValue.string(text).serializedString() }
}

/// A document that was written, before it is known whether it holds.
struct ImportedDocument {
    let kind: PolicyKind
    var name: String
    /// Line of the Rego text that it comes from.
    let line: Int
    let yaml: YAMLWriter

    var text: String { yaml.text(name: name) }
}
