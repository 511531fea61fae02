public import Encodings
public import RATS

/// The body of `POST /kbs/v0/auth` (`Request`): the guest says which protocol and which TEE it speaks.
public struct AuthRequest: Sendable, Hashable {
    /// The protocol version that holds for the whole session.
    public let version: ProtocolVersion
    /// The kind of evidence that the guest will present for itself.
    public let tee: TEE
    /// Parameters as sent; today the guest's hash algorithms.
    public let extraParameters: JSONValue

    /// A request as a guest sends it, by default with all hash algorithms on offer.
    public init(
        version: ProtocolVersion = .v0_4_0, tee: TEE, extraParameters: JSONValue = AuthRequest.allHashAlgorithms
    ) {
        self.version = version
        self.tee = tee
        self.extraParameters = extraParameters
    }

    /// The `extra-params` of a guest that can use every hash algorithm.
    public static let allHashAlgorithms: JSONValue = .object([
        "supported-hash-algorithms": .array(HashAlgorithm.allCases.map { .string($0.rawValue) })
    ])

    /// Reads a request.
    ///
    /// Throws `version_mismatch` for every version that `policy` does not enable, `unknown_tee`, `tee_not_allowed`
    /// for a TEE that cannot stand for a guest in this version, and `malformed_message`. Unknown members are ignored.
    public init(parsing body: [UInt8], policy: ProtocolPolicy = .standard) throws(KBSProtocolError) {
        let object = try JSONObject(message: body)
        guard let requested = object["version"]?.stringValue else {
            throw .malformed("The request has no version.")
        }
        let named = object["tee"]?.stringValue.flatMap(TEE.init(wireName:))
        guard let version = policy.version(requested: requested, by: named), policy.enabled.contains(version) else {
            throw .versionMismatch(requested)
        }
        guard object["tee"]?.stringValue != nil else { throw .malformed("The request names no TEE.") }
        guard let tee = named, tee != .sev || policy.launches else {
            throw KBSProtocolError(code: "unknown_tee", message: "The request names a TEE that does not exist.")
        }
        guard let extraParameters = object["extra-params"] else {
            throw .malformed("The request has no extra-params.")
        }
        try version.requirePrimary(tee)
        self.init(version: version, tee: tee, extraParameters: extraParameters)
    }

    /// The JSON text of the request.
    public func serialized() -> [UInt8] {
        JSONValue.object([
            "version": .string(version.rawValue), "tee": .string(tee.rawValue), "extra-params": extraParameters,
        ]).serialized()
    }
}

extension KBSProtocolError {
    /// The refusal that guests look for by its words. The version is quoted only when it looks like one.
    static func versionMismatch(_ requested: String) -> KBSProtocolError {
        let quotable =
            requested.utf8.count <= 64
            && requested.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        let shown = quotable ? requested : "unreadable"
        return KBSProtocolError(
            code: "version_mismatch",
            message: "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is \(shown)")
    }
}

extension JSONObject {
    /// The object that a message body holds.
    init(message body: [UInt8]) throws(KBSProtocolError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: body)
        } catch {
            throw .malformed("The body is not valid JSON: \(error.message)")
        }
        guard let object = value.objectValue else { throw .malformed("The body is not a JSON object.") }
        self = object
    }
}
