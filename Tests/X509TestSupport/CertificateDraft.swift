public import Foundation
public import X509Trust

/// A certificate before it is signed: anything may stand in it, also what no authority would sign.
public struct CertificateDraft: Sendable {
    /// The subject's name.
    public var subject: TestName
    /// The subject's key.
    public var publicKey: PublicKey
    /// The content of the serial number's INTEGER, so that it may also be negative.
    public var serialNumber: [UInt8] = [1]
    /// The first moment of validity.
    public var notBefore: Date
    /// The last moment of validity.
    public var notAfter: Date
    /// The extensions in their order.
    public var extensions: [TestExtension] = []

    /// A certificate that is valid for ten years from `start`.
    public init(
        subject: TestName, publicKey: PublicKey, from start: Date, extensions: [TestExtension] = [],
        serialNumber: [UInt8] = [1]
    ) {
        self.subject = subject
        self.publicKey = publicKey
        self.extensions = extensions
        self.serialNumber = serialNumber
        notBefore = start
        notAfter = start.addingTimeInterval(10 * 365 * 86_400)
    }

    /// The bytes that are signed.
    func content(issuer: TestName, _ algorithm: [UInt8]) -> [UInt8] {
        ASN1.sequence(
            ASN1.element(0xa0, ASN1.integer(2)), ASN1.element(0x02, serialNumber), algorithm, issuer.der,
            ASN1.sequence(ASN1.time(notBefore), ASN1.time(notAfter)), subject.der, publicKey.spki,
            extensions.isEmpty
                ? [] : ASN1.element(0xa3, ASN1.element(0x30, Array(extensions.map(\.der).joined()))))
    }
}

/// A revocation list before it is signed.
public struct RevocationListDraft: Sendable {
    /// A certificate that is revoked.
    public struct Entry: Sendable {
        /// Its serial number, big-endian.
        public var serialNumber: [UInt8]
        /// When it was revoked.
        public var date: Date
        /// The extensions of the entry.
        public var extensions: [TestExtension]

        /// An entry.
        public init(_ serialNumber: [UInt8], at date: Date, extensions: [TestExtension] = []) {
            self.serialNumber = serialNumber
            self.date = date
            self.extensions = extensions
        }

        fileprivate var der: [UInt8] {
            ASN1.sequence(
                ASN1.integer(serialNumber), ASN1.time(date),
                extensions.isEmpty ? [] : ASN1.element(0x30, Array(extensions.map(\.der).joined())))
        }
    }

    /// When the list was made.
    public var thisUpdate: Date
    /// When the next one is due.
    public var nextUpdate: Date?
    /// The certificates that are revoked.
    public var entries: [Entry]
    /// The extensions in their order.
    public var extensions: [TestExtension]

    /// A list.
    public init(
        thisUpdate: Date, nextUpdate: Date?, entries: [Entry] = [],
        extensions: [TestExtension] = [.listNumber(1)]
    ) {
        self.thisUpdate = thisUpdate
        self.nextUpdate = nextUpdate
        self.entries = entries
        self.extensions = extensions
    }

    /// The bytes that are signed.
    func content(issuer: TestName, _ algorithm: [UInt8]) -> [UInt8] {
        ASN1.sequence(
            ASN1.integer(1), algorithm, issuer.der, ASN1.time(thisUpdate), nextUpdate.map(ASN1.time) ?? [],
            entries.isEmpty ? [] : ASN1.element(0x30, Array(entries.map(\.der).joined())),
            extensions.isEmpty
                ? [] : ASN1.element(0xa0, ASN1.element(0x30, Array(extensions.map(\.der).joined()))))
    }
}
