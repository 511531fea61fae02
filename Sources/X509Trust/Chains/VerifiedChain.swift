public import FoundationEssentials

/// A chain of certificates that was verified, from a leaf to a pinned anchor.
public struct VerifiedChain: Sendable, Hashable {
    /// The certificates from the leaf to the anchor, at least these two.
    public let certificates: [Certificate]
    /// The anchor at the end of the chain.
    public let anchor: PinnedAnchor
    /// The moment from which all certificates are valid.
    public let notBefore: Date
    /// The moment until which all certificates are valid.
    public let notAfter: Date

    /// The certificate whose key was to be trusted.
    public var leaf: Certificate { certificates[0] }

    /// Only verification makes chains, of at least one certificate.
    init(certificates: [Certificate], anchor: PinnedAnchor) {
        self.certificates = certificates
        self.anchor = anchor
        notBefore = certificates.map(\.notBefore).max() ?? .distantFuture
        notAfter = certificates.map(\.notAfter).min() ?? .distantPast
    }

    /// Whether all certificates are valid at a moment.
    public func isValid(at date: Date) -> Bool { notBefore <= date && date <= notAfter }
}
