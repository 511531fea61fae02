import Encodings
public import Verification

/// What is known of Hygon accelerators.
public struct DCUConfiguration: Sendable, Hashable {
    /// The certificates of chips.
    public var options = DCUVerifier.Options()

    /// The defaults.
    public init() {}
}

extension DCUConfiguration {
    private static let certificatesSize = 2916

    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        for var item in try section.sections("chips") ?? [] {
            let text = try item.requiredText("chipID")
            guard let identifier = try? Hex.decode(text), identifier.count == 16 else {
                throw item.invalid("chipID", "has \(text), which is not 16 bytes in hexadecimal digits.")
            }
            let path = try item.requiredText("file")
            let bytes = try ConfigurationFile.bytes(at: path)
            guard bytes.count == Self.certificatesSize else {
                throw item.invalid(
                    "file", "has \(path), which has not the \(Self.certificatesSize) bytes of hsk_cek.cert.")
            }
            options.chips[identifier] = bytes
            try item.finish()
        }
        try section.finish()
    }
}
