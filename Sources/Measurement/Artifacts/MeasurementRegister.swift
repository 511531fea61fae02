import Crypto

/// The hash algorithms of register banks.
public enum RegisterHash: String, Sendable, Hashable, CaseIterable {
    /// SHA-256.
    case sha256
    /// SHA-384.
    case sha384
    /// SHA-512.
    case sha512

    /// The digest of `bytes`.
    public func digest(of bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .sha256: Array(SHA256.hash(data: bytes))
        case .sha384: Array(SHA384.hash(data: bytes))
        case .sha512: Array(SHA512.hash(data: bytes))
        }
    }

    /// The digest of an artefact, of which only a piece is held at a time.
    public func digest(of artifact: some Artifact) throws(MeasurementError) -> [UInt8] {
        try digest(of: artifact, in: 0..<artifact.size)
    }

    /// The digest of a part of an artefact.
    func digest(of artifact: some Artifact, in range: Range<Int>) throws(MeasurementError) -> [UInt8] {
        switch self {
        case .sha256: try Self.digest(SHA256(), of: artifact, in: range)
        case .sha384: try Self.digest(SHA384(), of: artifact, in: range)
        case .sha512: try Self.digest(SHA512(), of: artifact, in: range)
        }
    }

    private static func digest<Hash: HashFunction>(
        _ hash: Hash, of artifact: some Artifact, in range: Range<Int>
    ) throws(MeasurementError) -> [UInt8] {
        var hash = hash
        try artifact.feed(range, into: &hash)
        return Array(hash.finalize())
    }
}

/// A register that only grows: it becomes the hash of itself and what is added, beginning with zeros.
///
/// PCRs of a TPM, RTMRs of TDX and PCRs of Nitro enclaves are such registers.
public struct MeasurementRegister: Sendable, Hashable {
    /// The algorithm of its bank.
    public let algorithm: RegisterHash
    /// The value after all that was added.
    public private(set) var value: [UInt8]

    /// A register to which nothing was added yet.
    public init(_ algorithm: RegisterHash) {
        self.algorithm = algorithm
        value = [UInt8](repeating: 0, count: algorithm.digest(of: []).count)
    }

    /// Adds a digest.
    public mutating func extend(with digest: [UInt8]) {
        value = algorithm.digest(of: value + digest)
    }

    /// Adds the digest of `content`.
    public mutating func extend(withDigestOf content: [UInt8]) {
        extend(with: algorithm.digest(of: content))
    }
}
