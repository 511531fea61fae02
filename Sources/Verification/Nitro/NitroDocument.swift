import Encodings
import RATS

/// An attestation document of an AWS Nitro enclave (AWS Nitro Enclaves user guide, "Verifying the root of trust").
package struct NitroDocument: Sendable {
    let message: COSESign1
    /// The enclave's parent instance and the enclave, as the hypervisor calls them.
    package let moduleID: String
    /// Milliseconds since 1970.
    package let timestamp: UInt64
    /// The values of the registers, 48 bytes each, by their index.
    package let registers: [Int: [UInt8]]
    /// The certificate of the key that signed, DER.
    package let certificate: [UInt8]
    /// The certificates from the root to the issuer of that one, DER.
    package let authorities: [[UInt8]]
    /// What the enclave had signed; `nil` where it gave nothing.
    package let publicKey: [UInt8]?
    /// What the enclave had signed; `nil` where it gave nothing.
    package let userData: [UInt8]?
    /// What the enclave had signed; `nil` where it gave nothing.
    package let nonce: [UInt8]?

    /// Real documents have some 5 KiB.
    static let maximumBytes = 32_768
    private static let maximumField = 1024
    private static let maximumAuthorities = 8
    private static let registerSize = 48
    private static let rules = CBORRules(maximumBytes: maximumBytes, maximumDepth: 4, maximumItems: 256)
    /// The hypervisor writes the document as a map with an end mark.
    private static let payloadRules = CBORRules(
        maximumBytes: maximumBytes, maximumDepth: 4, maximumItems: 256, allowsIndefiniteContainers: true)

    /// Reads a document, all of the bytes; no signature is looked at.
    ///
    /// Throws `malformed_evidence` and `unsupported_signature_algorithm`.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        let message = try Self.message(bytes)
        self.message = message
        let map = try Self.payload(message.payload)
        moduleID = try Self.moduleID(map)
        guard let timestamp = map["timestamp"]?.uintValue, timestamp > 0, timestamp < 1 << 52 else {
            throw Self.malformed("It has no timestamp.")
        }
        self.timestamp = timestamp
        // The digest of the registers decides how long they are.
        guard map["digest"] == "SHA384" else { throw Self.malformed("Its registers are not of SHA-384.") }
        registers = try Self.registers(map["pcrs"])
        certificate = try Self.certificate(map["certificate"])
        guard let bundle = map["cabundle"]?.arrayValue, (1...Self.maximumAuthorities).contains(bundle.count) else {
            throw Self.malformed("It has no bundle of authorities.")
        }
        var authorities: [[UInt8]] = []
        for item in bundle { authorities.append(try Self.certificate(item)) }
        self.authorities = authorities
        publicKey = try Self.field(map, "public_key")
        userData = try Self.field(map, "user_data")
        nonce = try Self.field(map, "nonce")
    }

    private static func message(_ bytes: [UInt8]) throws(VerificationError) -> COSESign1 {
        let message: COSESign1
        do throws(COSEError) {
            message = try COSESign1(parsing: bytes, rules: rules)
        } catch {
            throw VerificationError(
                code: error.code == "malformed" ? "malformed_evidence" : "unsupported_signature_algorithm",
                message: "The Nitro document cannot be read. \(error.message)")
        }
        guard message.algorithm == .es384 else {
            throw VerificationError(
                code: "unsupported_signature_algorithm", message: "The Nitro document is not signed with ES384.")
        }
        // Nobody signs the second header, and the hypervisor writes nothing there.
        guard message.protected.count == 1, message.unprotected.count == 0 else {
            throw malformed("Its headers hold more than the algorithm.")
        }
        return message
    }

    private static func payload(_ bytes: [UInt8]) throws(VerificationError) -> CBORMap {
        let item: CBORValue
        do throws(CBORError) {
            item = try CBORValue(parsing: bytes, rules: payloadRules)
        } catch {
            throw malformed("Its content is no acceptable CBOR: \(error.description).")
        }
        guard let map = item.mapValue, map.keys.allSatisfy({ $0.textValue != nil }) else {
            throw malformed("Its content is no map of names.")
        }
        return map
    }

    private static func moduleID(_ map: CBORMap) throws(VerificationError) -> String {
        guard let text = map["module_id"]?.textValue, (1...256).contains(text.utf8.count),
            text.unicodeScalars.allSatisfy(\.isPrintable)
        else { throw malformed("It does not say of which enclave it is.") }
        return text
    }

    private static func registers(_ value: CBORValue?) throws(VerificationError) -> [Int: [UInt8]] {
        guard let map = value?.mapValue, (3...32).contains(map.count) else { throw malformed("It has no registers.") }
        var registers: [Int: [UInt8]] = [:]
        for key in map.keys {
            guard let index = key.uintValue.flatMap({ Int(exactly: $0) }), index < 32,
                let bytes = map[key]?.bytesValue, bytes.count == registerSize
            else { throw malformed("A register is none of 0 to 31, or not 48 bytes long.") }
            registers[index] = bytes
        }
        guard (0...2).allSatisfy({ registers[$0] != nil }) else {
            throw malformed("The registers that say what was started are missing.")
        }
        return registers
    }

    private static func certificate(_ value: CBORValue?) throws(VerificationError) -> [UInt8] {
        guard let bytes = value?.bytesValue, (1...maximumField).contains(bytes.count) else {
            throw malformed("A certificate is missing or too large.")
        }
        return bytes
    }

    private static func field(_ map: CBORMap, _ name: String) throws(VerificationError) -> [UInt8]? {
        switch map[.text(name)] {
        case nil, .null?: return nil
        case .bytes(let bytes)? where bytes.count <= maximumField: return bytes.isEmpty ? nil : bytes
        default: throw malformed("Its \(name) is no byte string, or too long.")
        }
    }

    private static func malformed(_ reason: String) -> VerificationError {
        .malformed("The Nitro document is not as it must be. \(reason)")
    }
}
