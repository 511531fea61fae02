import Encodings
import RATS
import X509Trust

/// The runtime data of an HCL report: the keys of the virtual TPM and the configuration of the VM.
package struct HCLRuntimeData: Sendable {
    /// The key that signs the virtual TPM's quotes.
    package let attestationKey: PublicKey
    /// How the VM is configured, as the paravisor wrote it.
    package let configuration: JSONObject?
    /// What the guest had the paravisor put into the runtime data, 64 bytes; `nil` from paravisors that know of none.
    package let userData: [UInt8]?

    private static let keyName = "HCLAkPub"
    private static let maximumKeys = 16

    /// Reads the runtime data.
    ///
    /// Member names that occur twice are refused, as is a second key of the attestation key's name: another reader could
    /// take the other. Throws `malformed_evidence` and `key_not_allowed`.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        let object: JSONObject
        do throws(JSONError) {
            object = try JSONObject(parsing: bytes, limits: JSONLimits(maximumBytes: 32_768, maximumDepth: 8))
        } catch {
            throw .malformed("The HCL's runtime data is no JSON object. \(error.message)")
        }
        guard let keys = object["keys"]?.arrayValue, keys.count <= Self.maximumKeys else {
            throw .malformed("The HCL's runtime data has no list of keys.")
        }
        let named = keys.filter { $0["kid"]?.stringValue == Self.keyName }
        guard named.count == 1, let key = named.first?.objectValue else {
            throw .malformed("The HCL's runtime data has \(named.count) attestation keys.")
        }
        attestationKey = try Self.key(key)
        configuration = object["vm-configuration"]?.objectValue
        userData = try object["user-data"].map { (value) throws(VerificationError) in
            guard let bytes = value.stringValue.flatMap({ try? Hex.decode($0) }), bytes.count == 64 else {
                throw .malformed("The HCL's user data is not 64 bytes in hexadecimal.")
            }
            return bytes
        }
    }

    private static func key(_ jwk: JSONObject) throws(VerificationError) -> PublicKey {
        guard jwk["kty"]?.stringValue == "RSA",
            let modulus = jwk["n"]?.stringValue.flatMap({ try? Base64.decodeURL($0) }),
            let exponent = jwk["e"]?.stringValue.flatMap({ try? Base64.decodeURL($0) })
        else { throw .malformed("The virtual TPM's attestation key is no RSA key.") }
        if let operations = jwk["key_ops"] {
            guard operations.arrayValue?.contains("sign") == true else {
                throw notAllowed("It is not there for signing.")
            }
        }
        let key: PublicKey
        do throws(X509Error) {
            key = try .rsa(modulus: modulus, exponent: exponent)
        } catch {
            throw .malformed("The virtual TPM's attestation key cannot be read. \(error.message)")
        }
        guard case .rsa(let bits, 65537) = key.kind, bits >= 2048 else {
            throw notAllowed("It has fewer than 2048 bits or an unusual exponent.")
        }
        return key
    }

    private static func notAllowed(_ reason: String) -> VerificationError {
        VerificationError(
            code: "key_not_allowed", message: "The virtual TPM's attestation key is not accepted. \(reason)")
    }
}
