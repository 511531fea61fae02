/// How a claim is written in an expression.
enum ClaimPath {
    /// `claims.snp.measurement`, `claims['az-snp-vtpm'].measurement`: names that are no identifiers stand in brackets.
    static func text(_ path: some Collection<String>) -> String {
        path.dropFirst().reduce(path.first ?? "") { text($1, after: $0) }
    }

    /// One more name after a path; after an empty one the name alone.
    static func text(_ name: String, after path: String) -> String {
        guard isIdentifier(name) else { return "\(path)['\(name)']" }
        return path.isEmpty ? name : "\(path).\(name)"
    }

    private static func isIdentifier(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
    }
}
