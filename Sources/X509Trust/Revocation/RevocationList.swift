import COpenSSL
public import FoundationEssentials

/// A complete certificate revocation list of one issuer (RFC 5280 section 5), of at most 4 MiB.
///
/// Lists for a part of an issuer's certificates only, which are the indirect ones, the delta lists and those with an
/// issuing distribution point, are refused: what they leave out would seem good.
public struct RevocationList: Sendable, Hashable {
    /// The whole list.
    public let der: [UInt8]
    /// The SHA-256 of the whole list, 32 bytes.
    public let fingerprint: [UInt8]
    /// The issuer's name in the form of RFC 2253.
    public let issuer: String
    /// When the list was made.
    public let thisUpdate: Date
    /// Until when the next list is there, if the issuer says.
    public let nextUpdate: Date?
    /// The list's number as a big-endian magnitude (RFC 5280 section 5.2.3), which grows with each list of an issuer.
    public let number: [UInt8]?
    private let revoked: [[UInt8]: Date]

    /// Reads a list from its DER bytes, all of them; its signature is not looked at.
    ///
    /// Throws `malformed_revocation_list`, and `unsupported_revocation_list` for one that covers a part only or has a
    /// critical extension that is not known.
    public init(der: [UInt8]) throws(X509Error) {
        defer { ERR_clear_error() }
        guard der.count <= Self.maximumBytes, let list = DER.revocationList(der) else {
            throw .malformedRevocationList
        }
        defer { X509_CRL_free(list) }
        guard try DER.encode("encode a revocation list", { i2d_X509_CRL(list, $0) }) == der,
            let made = X509_CRL_get0_lastUpdate(list), let thisUpdate = DER.date(made),
            let issuer = DistinguishedName.text(X509_CRL_get_issuer(list))
        else { throw .malformedRevocationList }
        self.der = der
        self.issuer = issuer
        self.thisUpdate = thisUpdate
        fingerprint = try DigestAlgorithm.sha256.hash(der)
        nextUpdate = try X509_CRL_get0_nextUpdate(list).map { (time) throws(X509Error) in
            guard let date = DER.date(time) else { throw .malformedRevocationList }
            return date
        }
        let reader = RevocationListReader(list: list)
        try reader.requireComplete()
        number = try reader.number()
        revoked = try reader.entries()
    }

    /// Reads the first list of a PEM text. Throws as ``init(der:)``.
    public init(pem: String) throws(X509Error) {
        defer { ERR_clear_error() }
        let der = try PEM.read(pem) { (bio) throws(X509Error) in
            // Without a callback OpenSSL would ask the terminal for the password of an encrypted block.
            guard let list = PEM_read_bio_X509_CRL(bio, nil, { _, _, _, _ in 0 }, nil) else {
                throw .malformedRevocationList
            }
            defer { X509_CRL_free(list) }
            return try DER.encode("encode a revocation list") { i2d_X509_CRL(list, $0) }
        }
        try self.init(der: der)
    }

    /// How many certificates the list names.
    public var count: Int { revoked.count }

    /// When the certificate with this serial number was revoked, `nil` when the list does not name it.
    ///
    /// - Parameter serial: a big-endian magnitude; leading zeros do not matter.
    public func revocation(ofSerial serial: [UInt8]) -> Date? {
        let number = serial.drop { $0 == 0 }
        return revoked[number.isEmpty ? [0] : Array(number)]
    }

    /// Two lists are equal when their bytes are.
    public static func == (left: RevocationList, right: RevocationList) -> Bool { left.der == right.der }

    /// Hashes the list's fingerprint.
    public func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }

    /// An entry has some 40 bytes, so this is room for a hundred thousand.
    static let maximumBytes = 4_194_304
}

extension RevocationList {
    /// How a list stands in time.
    public enum Freshness: String, Sendable, Hashable {
        /// The next list is not due.
        case fresh
        /// The next list is overdue, but no longer than what is tolerated.
        case withinGrace = "within_grace"
        /// The next list is overdue.
        case stale
        /// The list was made later than now.
        case future
        /// The list does not say when the next one is due, so that it could be kept back for ever.
        case unbounded
    }

    /// How the list stands at a moment.
    ///
    /// - Parameter grace: how long a list is tolerated after the next one was due.
    public func freshness(at date: Date, grace: Duration = .zero) -> Freshness {
        guard thisUpdate <= date else { return .future }
        guard let nextUpdate else { return .unbounded }
        guard date > nextUpdate else { return .fresh }
        let tolerated = nextUpdate.addingTimeInterval(TimeInterval(grace.components.seconds))
        return date <= tolerated ? .withinGrace : .stale
    }
}
