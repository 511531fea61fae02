/// A message of COSE with one signature (RFC 9052 section 4.2), not to be believed before its signature is verified.
///
/// Nothing in the headers chooses the key: certificates and key identifiers are data for the caller.
public struct COSESign1: Sendable, Hashable {
    /// The tag of such a message.
    public static let tag: UInt64 = 18

    /// The protected header as it was signed.
    public let protectedBytes: [UInt8]
    /// The protected header.
    public let protected: CBORMap
    /// The header that nobody signed.
    public let unprotected: CBORMap
    /// The payload as it was signed.
    public let payload: [UInt8]
    /// The signature: r and s one after the other for ECDSA.
    public let signature: [UInt8]
    /// The algorithm, which the protected header must name.
    public let algorithm: COSEAlgorithm

    /// Reads a message, all of the bytes, with its tag or without.
    ///
    /// Refused: a payload that is elsewhere, an algorithm that is not one of ``COSEAlgorithm`` or not protected, headers
    /// that must be understood (`crit`), labels that stand in both headers or are neither numbers nor texts, and signatures
    /// of another length than the algorithm's.
    ///
    /// Throws `malformed`, `unsupported_algorithm` and `unsupported_header`.
    public init(parsing bytes: [UInt8], rules: CBORRules = .strict) throws(COSEError) {
        self = try COSESign1(Self.item(bytes, rules, "The message"), rules: rules)
    }

    /// Takes a message from an item that was read, with its tag or without. Throws as ``init(parsing:rules:)``.
    public init(_ item: CBORValue, rules: CBORRules = .strict) throws(COSEError) {
        let content = item.tagged(Self.tag) ?? item
        guard let parts = content.arrayValue, parts.count == 4, let protectedBytes = parts[0].bytesValue,
            let unprotected = parts[1].mapValue, let payload = parts[2].bytesValue,
            let signature = parts[3].bytesValue
        else { throw .malformed("The message is no COSE_Sign1 with its payload inside.") }
        // An empty string would stand for an empty header, which names no algorithm.
        guard let header = try Self.item(protectedBytes, rules, "The protected header").mapValue else {
            throw .malformed("The protected header is no map.")
        }
        self.protectedBytes = protectedBytes
        self.protected = header
        self.unprotected = unprotected
        self.payload = payload
        self.signature = signature
        algorithm = try Self.algorithm(header, unprotected)
        guard !signature.isEmpty, algorithm.signatureByteCount.map({ $0 == signature.count }) ?? true else {
            throw .malformed("The signature has not the length of its algorithm's.")
        }
    }

    /// The bytes that are signed (RFC 9052 section 4.4): the very bytes of header and payload that came, wrapped.
    public func signingInput(externalData: [UInt8] = []) -> [UInt8] {
        Self.signingInput(protected: protectedBytes, payload: payload, externalData: externalData)
    }

    /// The bytes that are signed for a message with this header and payload.
    public static func signingInput(
        protected: [UInt8], payload: [UInt8], externalData: [UInt8] = []
    ) -> [UInt8] {
        CBORValue.array(["Signature1", .bytes(protected), .bytes(externalData), .bytes(payload)]).encoded
    }

    private static let algorithmLabel: CBORValue = 1
    private static let criticalLabel: CBORValue = 2

    private static func algorithm(
        _ protected: CBORMap, _ unprotected: CBORMap
    ) throws(COSEError) -> COSEAlgorithm {
        for label in protected.keys + unprotected.keys {
            guard label.intValue != nil || label.textValue != nil else {
                throw .malformed("A header's label is neither a number nor a text.")
            }
        }
        guard protected[criticalLabel] == nil, unprotected[criticalLabel] == nil else {
            throw COSEError("unsupported_header", "The header demands extensions, which are not supported.")
        }
        guard protected.keys.allSatisfy({ unprotected[$0] == nil }) else {
            throw .malformed("A label stands in both headers.")
        }
        guard let number = protected[algorithmLabel]?.intValue, let algorithm = COSEAlgorithm(rawValue: number) else {
            throw COSEError(
                "unsupported_algorithm", "The protected header names no signature algorithm that is accepted.")
        }
        return algorithm
    }

    private static func item(
        _ bytes: [UInt8], _ rules: CBORRules, _ what: String
    ) throws(COSEError) -> CBORValue {
        do throws(CBORError) {
            return try CBORValue(parsing: bytes, rules: rules)
        } catch {
            throw .malformed("\(what) is no acceptable CBOR. \(error.description).")
        }
    }
}
