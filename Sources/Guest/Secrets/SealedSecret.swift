public import Encodings

/// What a sealed secret says: where its value is to be had, or the value encrypted under a key that a cloud's key service
/// opens (guest-components' `SEALED_SECRET`, version 0.1.0).
public struct SealedSecret: Sendable, Hashable {
    /// The two forms.
    public enum Content: Sendable, Hashable {
        /// A name under which the provider keeps the value; for the provider `kbs` the URI of a resource.
        case vault(name: String)
        /// The encrypted value.
        case envelope(Envelope)
    }

    /// A value encrypted with a data key that the provider can decrypt.
    public struct Envelope: Sendable, Hashable {
        /// The provider's name of the key that the data key is encrypted with.
        public let keyID: String
        /// The encrypted data key, base64.
        public let encryptedKey: String
        /// The encrypted value, base64; with `A256GCM` followed by its tag of 16 bytes.
        public let encryptedData: String
        /// `A256GCM` or `A256CTR`.
        public let wrapType: String
        /// The nonce, base64 of 12 bytes for `A256GCM`.
        public let iv: String

        /// An envelope from its parts.
        public init(keyID: String, encryptedKey: String, encryptedData: String, wrapType: String, iv: String) {
            self.keyID = keyID
            self.encryptedKey = encryptedKey
            self.encryptedData = encryptedData
            self.wrapType = wrapType
            self.iv = iv
        }
    }

    /// The only version there is.
    public static let version = "0.1.0"
    private static let limits = JSONLimits(maximumBytes: 1_048_576, maximumDepth: 8, maximumValues: 4096)

    /// The value or where it is.
    public let content: Content
    /// Who gives out the value or opens the data key, as written.
    public let provider: String
    /// What the provider's client needs to know, such as a region.
    public let providerSettings: JSONObject
    /// What belongs to this one value, such as a version.
    public let annotations: JSONObject

    /// A secret from its parts.
    public init(
        _ content: Content, provider: String, providerSettings: JSONObject = [:], annotations: JSONObject = [:]
    ) {
        self.content = content
        self.provider = provider
        self.providerSettings = providerSettings
        self.annotations = annotations
    }

    /// Reads the JSON.
    ///
    /// - Throws: `GuestError` with `invalid_sealed_secret` when it is larger than 1 MiB, is no JSON object, lacks a member,
    ///   has one that the version does not know, or has another version.
    public init(parsing json: [UInt8]) throws(GuestError) {
        let object: JSONObject
        do throws(JSONError) {
            object = try JSONObject(parsing: json, limits: Self.limits)
        } catch {
            throw .invalidSecret("it is no acceptable JSON object")
        }
        guard object["version"] == .string(Self.version) else {
            throw .invalidSecret("its version is not \(Self.version)")
        }
        let members = Members(object: object)
        let own: Set<String>
        switch try members.text("type") {
        case "vault":
            content = .vault(name: try members.text("name"))
            own = ["name"]
        case "envelope":
            content = .envelope(
                Envelope(
                    keyID: try members.text("key_id"), encryptedKey: try members.text("encrypted_key"),
                    encryptedData: try members.text("encrypted_data"), wrapType: try members.text("wrap_type"),
                    iv: try members.text("iv")))
            own = ["key_id", "encrypted_key", "encrypted_data", "wrap_type", "iv"]
        default: throw .invalidSecret("its type is neither vault nor envelope")
        }
        let known = own.union(["version", "type", "provider", "provider_settings", "annotations"])
        guard object.names.allSatisfy(known.contains) else {
            throw .invalidSecret("it has a member that version \(Self.version) does not know")
        }
        provider = try members.text("provider")
        providerSettings = try members.table("provider_settings")
        annotations = try members.table("annotations")
    }

    /// The JSON object, members in the order of the reference.
    public var json: JSONObject {
        var object: JSONObject = ["version": .string(Self.version)]
        switch content {
        case .vault(let name):
            object["type"] = "vault"
            object["name"] = .string(name)
        case .envelope(let envelope):
            object["type"] = "envelope"
            object["key_id"] = .string(envelope.keyID)
            object["encrypted_key"] = .string(envelope.encryptedKey)
            object["encrypted_data"] = .string(envelope.encryptedData)
            object["wrap_type"] = .string(envelope.wrapType)
            object["iv"] = .string(envelope.iv)
        }
        object["provider"] = .string(provider)
        object["provider_settings"] = .object(providerSettings)
        object["annotations"] = .object(annotations)
        return object
    }

    private struct Members {
        let object: JSONObject

        func text(_ name: String) throws(GuestError) -> String {
            guard let text = object[name]?.stringValue else {
                throw .invalidSecret("its \(name) is missing or no text")
            }
            return text
        }

        func table(_ name: String) throws(GuestError) -> JSONObject {
            guard let table = object[name]?.objectValue else {
                throw .invalidSecret("its \(name) is missing or no object")
            }
            return table
        }
    }
}

extension GuestError {
    static func invalidSecret(_ reason: String) -> GuestError {
        GuestError(.invalidSealedSecret, "The sealed secret is refused: \(reason).")
    }
}
