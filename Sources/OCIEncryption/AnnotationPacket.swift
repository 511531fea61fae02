import Crypto
import Encodings
import FoundationEssentials

/// The wrapped key of one image layer, as CoCo's key provider writes it into the layer's annotation.
///
/// The packet carries the layer's private options, sealed with AES-256-GCM under a key-encryption key that the packet
/// names. Both generations are read; the first one (`kid`, `wrapped_data`, `iv`, `wrap_type`) is written, because every
/// reader knows it.
public struct AnnotationPacket: Sendable, Hashable {
    /// The only wrapping that is accepted: AES-256-GCM with a 12-byte nonce and the 16-byte tag at the end.
    public static let wrapTypeAES256GCM = "A256GCM"
    /// The largest packet that is read, in bytes.
    public static let maximumSize = 65_536

    /// Where the key-encryption key lives, for example `kbs:///default/image-kek/1`.
    public let keyID: String
    /// Ciphertext followed by the 16-byte tag.
    public let wrappedData: [UInt8]
    /// The 12-byte nonce.
    public let iv: [UInt8]
    /// The wrapping algorithm's name.
    public let wrapType: String
    /// Who can unwrap; `kbs` unless a second-generation packet says something else.
    public let provider: String
    /// The packet's own version; nil in a first-generation packet.
    public let version: String?

    /// A first-generation packet from its parts.
    public init(keyID: String, wrappedData: [UInt8], iv: [UInt8], wrapType: String = wrapTypeAES256GCM) {
        self.keyID = keyID
        self.wrappedData = wrappedData
        self.iv = iv
        self.wrapType = wrapType
        self.provider = "kbs"
        self.version = nil
    }

    /// Reads the JSON of a packet of either generation.
    ///
    /// - Throws: `ImageEncryptionError` with `malformed` or `too_large`.
    public init(parsing bytes: [UInt8]) throws {
        guard bytes.count <= Self.maximumSize else {
            throw ImageEncryptionError(.tooLarge, "the annotation packet has \(bytes.count) bytes")
        }
        let object = try JSONDocument.object(bytes, of: "annotation packet")
        keyID = try JSONDocument.string("kid", in: object, of: "annotation packet")
        guard !keyID.isEmpty else {
            throw ImageEncryptionError(.malformed, "the annotation packet names no key")
        }
        wrappedData = try JSONDocument.base64("wrapped_data", in: object, of: "annotation packet")
        version = object["version"]?.stringValue
        // A second-generation packet may leave out what its provider does not need.
        iv = object["iv"] == nil ? [] : try JSONDocument.base64("iv", in: object, of: "annotation packet")
        wrapType = object["wrap_type"]?.stringValue ?? Self.wrapTypeAES256GCM
        provider = object["provider"]?.stringValue ?? "kbs"
    }

    /// The packet's JSON, in the member order of its generation.
    public func serialized() -> [UInt8] {
        var object = JSONObject()
        if let version { object["version"] = .string(version) }
        object["kid"] = .string(keyID)
        object["wrapped_data"] = .string(Base64.encode(wrappedData))
        object["iv"] = .string(Base64.encode(iv))
        object["wrap_type"] = .string(wrapType)
        if version != nil {
            object["provider"] = .string(provider)
            object["provider_settings"] = .object(JSONObject())
            object["annotations"] = .object(JSONObject())
        }
        return JSONValue.object(object).serialized()
    }

    /// Seals a layer's private options under a key-encryption key, with a fresh nonce.
    ///
    /// - Parameters:
    ///   - optsData: the options' JSON, see `PrivateLayerOptions`.
    ///   - keyID: the resource URI that the packet will name.
    ///   - key: 32 bytes.
    /// - Throws: `ImageEncryptionError` with `invalid_key`.
    public static func wrap(optsData: SecretBytes, keyID: String, key: SecretBytes) throws -> AnnotationPacket {
        let symmetricKey = try key.aes256Key()
        let nonce = AES.GCM.Nonce()
        let box = try optsData.withUnsafeBytes { try AES.GCM.seal($0, using: symmetricKey, nonce: nonce) }
        return AnnotationPacket(keyID: keyID, wrappedData: Array(box.ciphertext) + Array(box.tag), iv: Array(nonce))
    }

    /// Opens the packet.
    ///
    /// - Parameter key: the 32-byte key-encryption key that `keyID` names.
    /// - Returns: the layer's private options (JSON).
    /// - Throws: `ImageEncryptionError` with `unsupported`, `malformed`, `invalid_key` or `wrong_key`.
    public func unwrap(key: SecretBytes) throws -> SecretBytes {
        guard wrapType == Self.wrapTypeAES256GCM else {
            throw ImageEncryptionError(.unsupported, "the packet of \(keyID) is wrapped with \(wrapType), not A256GCM")
        }
        guard provider == "kbs" else {
            throw ImageEncryptionError(.unsupported, "the packet of \(keyID) belongs to provider \(provider), not kbs")
        }
        guard iv.count == 12, wrappedData.count >= 16 else {
            throw ImageEncryptionError(.malformed, "the packet of \(keyID) lacks a 12-byte nonce or a tag")
        }
        let symmetricKey = try key.aes256Key()
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: iv), ciphertext: wrappedData.dropLast(16), tag: wrappedData.suffix(16))
            return SecretBytes([UInt8](try AES.GCM.open(box, using: symmetricKey)))
        } catch {
            throw ImageEncryptionError(.wrongKey, "the key does not open the packet of \(keyID)")
        }
    }
}

extension SecretBytes {
    /// The bytes as an AES-256 key.
    func aes256Key() throws -> SymmetricKey {
        guard count == 32 else {
            throw ImageEncryptionError(.invalidKey, "an AES-256 key has 32 bytes, not \(count)")
        }
        return withUnsafeBytes { SymmetricKey(data: $0) }
    }
}
