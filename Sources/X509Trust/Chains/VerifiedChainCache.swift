public import FoundationEssentials
import Synchronization

/// Chains that were verified lately, so that the same certificates cost their signatures once.
///
/// A chain is found by the digests of exactly its certificates, the anchors it may end at and the use of its leaf. It
/// counts only while all of its certificates are valid; outside of that it is verified again, which says why it is
/// refused. Refusals are not kept, so nobody can fill the cache with chains that lead nowhere. Revocation is no part
/// of a chain: who checks it does so on each use (see ``ChainRevocation``).
public final class VerifiedChainCache: Sendable {
    private struct Entry {
        let chain: VerifiedChain
        var lastUse: UInt64
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        var uses: UInt64 = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// A cache of at most so many chains, at least one, each of some 10 KiB.
    public init(capacity: Int = 1024) {
        self.capacity = max(1, capacity)
    }

    /// How many chains are kept.
    public var count: Int { state.withLock { $0.entries.count } }

    /// The chains that are kept, in no order.
    var chains: [VerifiedChain] { state.withLock { $0.entries.values.map(\.chain) } }

    /// The verified chain of a path of DER certificates, leaf first and anchor last.
    ///
    /// Throws `malformed_certificate` and what ``CertificateChain/verify(path:anchors:usage:at:)`` throws.
    public func chain(
        path: [[UInt8]], anchors: [PinnedAnchor], usage: LeafUsage = .digitalSignature, at date: Date
    ) throws(X509Error) -> VerifiedChain {
        let fingerprints = try Self.fingerprints(of: path)
        return try chain(fingerprints, anchors, usage, at: date) { () throws(X509Error) in
            var certificates: [Certificate] = []
            for der in path { certificates.append(try Certificate(der: der)) }
            return certificates
        }
    }

    /// The verified chain of a leaf in DER over issuers that were read before, the anchor last.
    ///
    /// Of a chain that is kept only the leaf is digested. Throws as ``chain(path:anchors:usage:at:)``.
    public func chain(
        leaf: [UInt8], issuers: [Certificate], anchors: [PinnedAnchor], usage: LeafUsage = .digitalSignature,
        at date: Date
    ) throws(X509Error) -> VerifiedChain {
        let fingerprints = try Self.fingerprints(of: [leaf]) + issuers.map(\.fingerprint)
        return try chain(fingerprints, anchors, usage, at: date) { () throws(X509Error) in
            [try Certificate(der: leaf)] + issuers
        }
    }

    private func chain(
        _ fingerprints: [[UInt8]], _ anchors: [PinnedAnchor], _ usage: LeafUsage, at date: Date,
        _ path: () throws(X509Error) -> [Certificate]
    ) throws(X509Error) -> VerifiedChain {
        let key = try Self.key(fingerprints, anchors, usage)
        if let chain = kept(key), chain.isValid(at: date) { return chain }
        let chain = try CertificateChain.verify(path: path(), anchors: anchors, usage: usage, at: date)
        keep(chain, key)
        return chain
    }

    private func kept(_ key: [UInt8]) -> VerifiedChain? {
        state.withLock { state in
            guard let chain = state.entries[key]?.chain else { return nil }
            state.uses += 1
            state.entries[key]?.lastUse = state.uses
            return chain
        }
    }

    private func keep(_ chain: VerifiedChain, _ key: [UInt8]) {
        state.withLock { state in
            state.uses += 1
            if state.entries.count >= capacity, state.entries[key] == nil,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.entries[oldest.key] = nil
            }
            state.entries[key] = Entry(chain: chain, lastUse: state.uses)
        }
    }

    /// Digests of a path that is short enough to be one.
    private static func fingerprints(of path: [[UInt8]]) throws(X509Error) -> [[UInt8]] {
        guard path.count <= Int(CertificateChain.maximumDepth) + 2 else {
            throw .untrusted("it has \(path.count) certificates instead of 2 to \(CertificateChain.maximumDepth + 2)")
        }
        var fingerprints: [[UInt8]] = []
        for der in path {
            guard der.count <= Certificate.maximumBytes else { throw .malformedCertificate }
            fingerprints.append(try DigestAlgorithm.sha256.hash(der))
        }
        return fingerprints
    }

    /// All digests have one length, so that with their counts no two sets of them give the same bytes.
    private static func key(
        _ path: [[UInt8]], _ anchors: [PinnedAnchor], _ usage: LeafUsage
    ) throws(X509Error) -> [UInt8] {
        let use: UInt8 =
            switch usage {
            case .any: 0
            case .digitalSignature: 1
            case .keyAgreement: 2
            }
        let head = [use, UInt8(truncatingIfNeeded: path.count), UInt8(truncatingIfNeeded: path.count >> 8)]
        return try DigestAlgorithm.sha256.hash(head + path.joined() + anchors.flatMap(\.fingerprint))
    }
}
