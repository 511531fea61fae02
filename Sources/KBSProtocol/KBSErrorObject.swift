import Encodings

/// The names that errors have on the wire.
public enum KBSErrorVariant: String, Sendable, CaseIterable, Hashable {
    /// The handshake failed.
    case attestationError = "AttestationError"
    /// An administrator's request was refused.
    case adminAuthAccess = "AdminAuthAccess"
    /// The path cannot be a request.
    case invalidRequestPath = "InvalidRequestPath"
    /// No such plugin.
    case pluginNotFound = "PluginNotFound"
    /// A plugin failed; also a resource that does not exist.
    case pluginInternalError = "PluginInternalError"
    /// The release policy said no.
    case policyDeny = "PolicyDeny"
    /// A policy cannot be read.
    case parsePolicyError = "ParsePolicyError"
    /// A policy cannot be evaluated.
    case policyEngineError = "PolicyEngineError"
    /// A reference value was refused.
    case rvpsError = "RvpsError"
    /// A message could not be read or written.
    case serdeError = "SerdeError"
    /// There is neither a session nor a token.
    case tokenNotFound = "TokenNotFound"
    /// The token was refused.
    case tokenVerifierError = "TokenVerifierError"
    /// The response could not be sealed to the guest's key.
    case jweError = "JweError"
}

/// The error object that every refusal of the KBS protocol carries.
public struct KBSErrorObject: Error, Sendable, Hashable {
    /// The prefix of every `type`.
    public static let typePrefix = "https://github.com/confidential-containers/kbs/errors/"

    /// The error's name: the part of `type` after ``typePrefix``.
    public let type: String
    /// A sentence that guests show to their users.
    public let detail: String
    /// A stable word for programs, which brokers of this kind add to the protocol's members; nil when there is none.
    public let code: String?

    private static let maximumCodeBytes = 64

    /// An error of one of the protocol's names.
    public init(_ variant: KBSErrorVariant, detail: String, code: String? = nil) {
        self.init(variant: variant.rawValue, detail: detail, code: code)
    }

    /// An error of a name that need not be one of the protocol's.
    public init(variant: String, detail: String, code: String? = nil) {
        type = variant
        self.detail = detail
        self.code = code
    }

    /// Reads an error object. Throws `malformed_message` when the members are missing or no strings.
    public init(parsing body: [UInt8]) throws(KBSProtocolError) {
        let object = try JSONObject(message: body)
        guard let type = object["type"]?.stringValue, let detail = object["detail"]?.stringValue else {
            throw .malformed("The error has no type and detail.")
        }
        self.type = type.hasPrefix(Self.typePrefix) ? String(type.dropFirst(Self.typePrefix.count)) : type
        self.detail = detail
        code = object["code"]?.stringValue.flatMap { Self.isCode($0) ? $0 : nil }
    }

    private static func isCode(_ text: String) -> Bool {
        (1...maximumCodeBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The protocol's name for the error, when it is one of them.
    public var variant: KBSErrorVariant? { KBSErrorVariant(rawValue: type) }

    /// The JSON text, `type` first.
    public func serialized() -> [UInt8] {
        var object: JSONObject = ["type": .string(Self.typePrefix + type), "detail": .string(detail)]
        object["code"] = code.map { .string($0) }
        return object.serialized()
    }
}
