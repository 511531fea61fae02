import Policy

extension PolicyLint {
    /// The plugins that answer attested guests.
    private static let plugins: Set<String> = ["resource", "*"]

    /// Policies and patterns that no request can ever match.
    func matchFindings(_ document: LintedDocument) -> [PolicyDiagnostic] {
        guard let spec = document.release else { return [] }
        var findings: [PolicyDiagnostic] = []
        for (index, plugin) in spec.match.plugins.enumerated() where !Self.plugins.contains(plugin) {
            let isOnly = spec.match.plugins.allSatisfy { !Self.plugins.contains($0) }
            findings.append(
                document.finding(
                    .warning, "never_matches", at: "spec.match.plugins[\(index)]",
                    "No plugin '\(plugin)' answers guests" + (isOnly ? ": the policy never matches." : "."),
                    hint: "leave match.plugins out for resources"))
        }
        for (index, pattern) in spec.match.resources.enumerated() {
            if let segment = pattern.impossibleSegment, spec.match.plugins == ["resource"] {
                findings.append(
                    document.finding(
                        .warning, "never_matches", at: "spec.match.resources[\(index)]",
                        "No resource has the segment '\(segment)': names have letters, digits, '_', '-' and '.'."))
            }
            if let other = Self.duplicate(of: index, in: spec.match.resources) {
                findings.append(
                    document.finding(
                        .note, "redundant_pattern", at: "spec.match.resources[\(index)]",
                        "'\(other)' matches all of this as well.", hint: "remove one of them"))
            }
        }
        return findings
    }

    /// Another pattern of the list that covers this one; of two equal ones, the first.
    private static func duplicate(of index: Int, in patterns: [ResourcePattern]) -> ResourcePattern? {
        for (place, other) in patterns.enumerated() where place != index && other.covers(patterns[index]) {
            if !patterns[index].covers(other) || place < index { return other }
        }
        return nil
    }

    /// Resources that no policy could ever release.
    func resourceFindings() -> [PolicyDiagnostic] {
        let allowing = all.filter { $0.release?.effect == .allow && !$0.isAudit }
        return resources.compactMap { resource in
            let path = resource.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let matching = allowing.filter { $0.isAboutResource(path) }
            let message: String
            if matching.isEmpty {
                message = "Nothing can release '\(resource.path)': no policy that allows is about it."
            } else if matching.allSatisfy(\.neverAllows) {
                let names = matching.map(\.document.identifier).joined(separator: ", ")
                message = "Nothing can release '\(resource.path)': \(names) can never allow anything."
            } else {
                return nil
            }
            return PolicyDiagnostic(
                severity: .warning, code: "unreleasable_resource", source: resource.source, line: resource.line,
                column: 1, path: "", message: message, hint: "compare the name with match.resources: case, segments")
        }
    }
}

extension LintedDocument {
    func isAboutResource(_ path: [String]) -> Bool {
        guard let match = release?.match, match.plugins.contains(where: { $0 == "resource" || $0 == "*" }) else {
            return false
        }
        if let namespace = document.namespace, path.first != namespace { return false }
        return match.resources.contains { $0.matches(path) }
    }
}

extension ResourcePattern {
    /// A segment that stands for itself and that no resource can have.
    fileprivate var impossibleSegment: String? {
        for case .literal(let text) in segments {
            let isPossible = text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "_-.".utf8.contains(byte)
                }
            }
            if !isPossible { return text }
        }
        return nil
    }
}
