/// Names of other objects of Kubernetes in documents.
enum KubernetesNames {
    /// A form of names.
    struct Form: Sendable {
        let isOne: @Sendable (String) -> Bool
        let hint: String
    }

    /// Lowercase letters, digits, `-` and `.`, a letter or digit at both ends (RFC 1123 subdomain).
    static let subdomain = Form(
        isOne: { text in
            let bytes = Array(text.utf8)
            func isPlain(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
            guard let first = bytes.first, let last = bytes.last, isPlain(first), isPlain(last) else { return false }
            return bytes.allSatisfy { isPlain($0) || $0 == 0x2D || $0 == 0x2E }
        },
        hint: "use lowercase letters, digits, '-' and '.', with a letter or digit at both ends")

    /// A key in the data of a Secret or ConfigMap.
    static let dataKey = Form(
        isOne: { text in
            !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                    default: "_-.".utf8.contains(byte)
                    }
                }
        },
        hint: "use letters, digits, '_', '-' and '.'")

    /// A name of at most 253 bytes; another text is reported.
    static func read(_ field: Field, _ form: Form) -> String? {
        guard let text = field.text(maximum: 253) else { return nil }
        if form.isOne(text) { return text }
        field.report("invalid_value", "'\(text)' cannot be a name here.", hint: form.hint)
        return nil
    }
}
