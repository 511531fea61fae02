import Encodings
import X509Trust

/// The hash functions of CCA tokens, by the names of the IANA registry.
package enum CCAHash: String, Sendable, Hashable, CaseIterable {
    case sha256 = "sha-256"
    case sha384 = "sha-384"
    case sha512 = "sha-512"

    /// The function of this name; `nil` for others. Only the exact name counts.
    init?(name: String) {
        guard let hash = Self.allCases.first(where: { $0.rawValue.utf8.elementsEqual(name.utf8) }) else { return nil }
        self = hash
    }

    /// The digest, `nil` where OpenSSL lacks the function.
    func digest(of bytes: [UInt8]) -> [UInt8]? {
        let algorithm: DigestAlgorithm =
            switch self {
            case .sha256: .sha256
            case .sha384: .sha384
            case .sha512: .sha512
            }
        return try? algorithm.hash(bytes)
    }
}
