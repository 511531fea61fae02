import Encodings

/// What evidence must be bound to before its claims count for anything.
public struct EvidenceBinding: Sendable, Hashable {
    /// Unpadded digests that the report data may hold; exactly one of them must be there.
    ///
    /// A verifier pads a digest with zero bytes to the size of its field and compares the whole field. An empty
    /// list matches nothing: unbound evidence is never accepted.
    public let reportData: [[UInt8]]
    /// Digest of the init-data document, when the guest sent one.
    public let initDataDigest: [UInt8]?

    /// A binding to one of `reportData` and, when given, to an init-data digest.
    public init(reportData: [[UInt8]], initDataDigest: [UInt8]? = nil) {
        self.reportData = reportData
        self.initDataDigest = initDataDigest
    }

    /// Which candidate fills `field` completely when padded with zero bytes to the field's size.
    ///
    /// Returns `nil` when none does, and also when a candidate is empty or longer than the field: nothing is cut.
    public func candidate(filling field: [UInt8]) -> Int? {
        reportData.firstIndex { digest in
            guard !digest.isEmpty, digest.count <= field.count else { return false }
            return constantTimeEqual(Self.fit(digest, to: field.count), field)
        }
    }

    /// Which candidate fills `field`, the nonce of a device whose protocol has room for no more than 32 bytes: cut at its
    /// end when it is longer, padded with zero bytes when it is shorter.
    ///
    /// For kinds of hardware whose field is always shorter than a digest may be, never for one that the sender chooses.
    public func candidate(fittingShort field: [UInt8]) -> Int? {
        guard field.count >= 32 else { return nil }
        return reportData.firstIndex { !$0.isEmpty && constantTimeEqual(Self.fit($0, to: field.count), field) }
    }

    /// Which candidate is exactly `digest`, without any padding.
    public func candidate(equalTo digest: [UInt8]) -> Int? {
        reportData.firstIndex { !$0.isEmpty && constantTimeEqual($0, digest) }
    }

    /// Whether `field`, the place where this kind of hardware keeps a document's digest, holds the init-data digest.
    ///
    /// Guests fit a digest to the field: zero bytes fill up a longer field, a shorter one holds the digest's beginning.
    /// The field must have at least 32 bytes. Returns `false` when the guest sent no init-data.
    public func initDataDigest(fits field: [UInt8]) -> Bool {
        guard let initDataDigest, !initDataDigest.isEmpty, field.count >= 32 else { return false }
        return constantTimeEqual(Self.fit(initDataDigest, to: field.count), field)
    }

    private static func fit(_ digest: [UInt8], to count: Int) -> [UInt8] {
        digest.prefix(count) + [UInt8](repeating: 0, count: max(0, count - digest.count))
    }
}
