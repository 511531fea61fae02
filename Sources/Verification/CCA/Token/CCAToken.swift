import Encodings
import RATS

/// A CCA attestation token: what the platform signed, and what the realm signed with a key that the platform vouches for
/// (Realm Management Monitor specification, A7.2).
package struct CCAToken: Sendable {
    let platformMessage: COSESign1
    let realmMessage: COSESign1
    package let platform: CCAPlatformClaims
    package let realm: CCARealmClaims

    private static let tag: UInt64 = 399
    private static let platformLabel: CBORValue = 44_234
    private static let realmLabel: CBORValue = 44_241
    /// Real tokens have some 2 KiB.
    private static let rules = CBORRules(maximumBytes: 65_536, maximumDepth: 6, maximumItems: 2048)

    /// Reads a token, all of the bytes; no signature is looked at.
    ///
    /// Throws `malformed_evidence`, and `unsupported_version` for a profile that is not known.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        let item: CBORValue
        do throws(CBORError) {
            item = try CBORValue(parsing: bytes, rules: Self.rules)
        } catch {
            throw .malformed("The CCA token is no acceptable CBOR. \(error.description).")
        }
        guard let collection = item.tagged(Self.tag)?.mapValue, collection.count == 2 else {
            throw .malformed("The CCA token is no collection of a platform token and a realm token.")
        }
        platformMessage = try Self.message(collection[Self.platformLabel], "platform")
        realmMessage = try Self.message(collection[Self.realmLabel], "realm")
        platform = try CCAPlatformClaims(CCAClaimReader(platformMessage.payload, "platform token", rules: Self.rules))
        realm = try CCARealmClaims(CCAClaimReader(realmMessage.payload, "realm token", rules: Self.rules))
    }

    /// A signed message, as it is or behind the name of its media type.
    private static func message(_ item: CBORValue?, _ name: String) throws(VerificationError) -> COSESign1 {
        guard let bytes = item?.bytesValue ?? wrapped(item?.arrayValue) else {
            throw .malformed("The CCA token has no \(name) token.")
        }
        // The tag is demanded: the profile does, and a message without it could be of another kind.
        guard bytes.first == 0xc0 | UInt8(COSESign1.tag) else {
            throw .malformed("The \(name) token of the CCA token is no COSE_Sign1.")
        }
        do throws(COSEError) {
            return try COSESign1(parsing: bytes, rules: rules)
        } catch {
            throw VerificationError(
                code: error.code == "malformed" ? "malformed_evidence" : "unsupported_signature_algorithm",
                message: "The \(name) token of the CCA token cannot be read. \(error.message)")
        }
    }

    private static func wrapped(_ parts: [CBORValue]?) -> [UInt8]? {
        guard let parts, parts.count == 2, parts[0].textValue != nil || parts[0].uintValue != nil else { return nil }
        return parts[1].bytesValue
    }
}
