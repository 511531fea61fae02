import KBSProtocol

/// Which protocol version a guest must have attested with to get a resource.
struct ProtocolVersionRules: Sendable {
    private struct Rule: Sendable {
        let segments: [String]
        let version: ProtocolVersion
    }

    private let standard: ProtocolVersion
    private let rules: [Rule]

    init(_ configuration: ProtocolConfiguration) throws(ConfigurationError) {
        standard = try Self.version(configuration.minimumVersion)
        var rules: [Rule] = []
        for (pattern, version) in configuration.resourceMinimumVersions.sorted(by: { $0.key < $1.key }) {
            let segments = pattern.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard segments.count == 3, segments.allSatisfy({ !$0.isEmpty && ($0 == "*" || !$0.contains("*")) }) else {
                throw ConfigurationError(
                    code: "invalid_value",
                    message:
                        "protocol.resourceMinimumVersions: \(pattern) is no repository/type/tag with * for a segment.")
            }
            rules.append(Rule(segments: segments, version: try Self.version(version)))
        }
        self.rules = rules
    }

    /// The lowest version for a path; of several patterns that match, the strictest counts.
    func minimum(for path: ResourcePath) -> ProtocolVersion {
        let matching = rules.filter { rule in
            zip(rule.segments, path.segments).allSatisfy { $0 == "*" || $0 == $1 }
        }
        return matching.map(\.version).max() ?? standard
    }

    private static func version(_ text: String) throws(ConfigurationError) -> ProtocolVersion {
        guard let version = ProtocolVersion(rawValue: text) else {
            let known = ProtocolVersion.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError(
                code: "invalid_value", message: "protocol: \(text) is no protocol version; there are \(known).")
        }
        return version
    }
}
