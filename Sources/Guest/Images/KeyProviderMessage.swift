import Encodings

/// The JSON that ocicrypt exchanges with a key provider: requests as its Go and Rust forms write them, answers as
/// integer arrays, which both read.
enum KeyProviderMessage {
    /// The provider name under which ocicrypt configurations list this agent.
    static let providerName = "attestation-agent"

    static let limits = JSONLimits(maximumBytes: 1_048_576, maximumDepth: 16, maximumValues: 1_048_576)

    /// A request to seal a layer's options.
    struct Wrap {
        let optsData: SecretBytes
        /// The texts given after the provider's name, one per `--encryption-key`.
        let parameters: [String]

        init(parsing bytes: [UInt8]) throws(GuestError) {
            let params = try KeyProviderMessage.object(bytes)["keywrapparams"]
            guard let params, params.objectValue != nil else { throw illegal("WrapKey", "no keywrapparams given.") }
            guard let optsData = try params["optsdata"].flatMap(Wrap.options), !optsData.isEmpty else {
                throw illegal("WrapKey", "no optsdata given.")
            }
            self.optsData = optsData
            parameters = try Wrap.parameters(params["ec"]?["Parameters"])
        }

        /// Go sends base64, Rust the JSON text itself.
        private static func options(_ value: JSONValue) throws(GuestError) -> SecretBytes? {
            if let text = value.stringValue, text.utf8.first == UInt8(ascii: "{") {
                return SecretBytes(Array(text.utf8))
            }
            return try bytes(value, "optsdata").map { SecretBytes($0) }
        }

        private static func parameters(_ value: JSONValue?) throws(GuestError) -> [String] {
            guard let providers = value?.objectValue else { return [] }
            let own = providers[providerName] ?? (providers.count == 1 ? providers.first { _ in true }?.value : nil)
            var texts: [String] = []
            for element in own?.arrayValue ?? [] {
                texts.append(try parameterText(element))
            }
            return texts
        }

        private static func parameterText(_ element: JSONValue) throws(GuestError) -> String {
            let bytes: [UInt8]
            if let ints = element.byteArrayValue {
                bytes = ints
            } else if let text = element.stringValue {
                bytes = (try? Base64.decode(text)) ?? Array(text.utf8)
            } else {
                throw illegal("WrapKey", "a parameter is neither text nor bytes.")
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw illegal("WrapKey", "a parameter is not UTF-8.")
            }
            return text
        }
    }

    /// The annotation packet of a request to open a layer's options.
    static func annotation(parsing bytes: [UInt8]) throws(GuestError) -> [UInt8] {
        let value = try object(bytes)["keyunwrapparams"]?["annotation"]
        let annotation = try value.flatMap { (value) throws(GuestError) in try self.bytes(value, "annotation") }
        guard let annotation, !annotation.isEmpty else { throw illegal("UnwrapKey", "no AnnotationPacket given.") }
        return annotation
    }

    /// A request to open a layer's options, as ocicrypt's Go form writes it.
    static func unwrapRequest(annotation: [UInt8]) -> [UInt8] {
        let none: JSONValue = ["ec": .null, "optsdata": .null]
        let parameters: JSONValue = [
            "dc": .object(JSONObject([("Parameters", .object(JSONObject([(providerName, .array([]))])))])),
            "annotation": .string(Base64.encode(annotation)),
        ]
        return JSONObject([
            ("op", "keyunwrap"), ("keywrapparams", none), ("keyunwrapparams", parameters),
        ]).serialized()
    }

    /// The layer options of an answer.
    static func optsData(parsing bytes: [UInt8]) throws(GuestError) -> SecretBytes {
        let value = try object(bytes)["keyunwrapresults"]?["optsdata"]
        let options = try value.flatMap { (value) throws(GuestError) in try self.bytes(value, "optsdata") }
        guard let options, !options.isEmpty else {
            throw GuestError(.unexpected, "The key provider's answer holds no layer options.")
        }
        return SecretBytes(options)
    }

    /// Which of the two operations a request asks for.
    static func operation(parsing bytes: [UInt8]) throws(GuestError) -> String {
        try object(bytes)["op"]?.stringValue ?? ""
    }

    static func wrapAnswer(annotation: [UInt8]) -> [UInt8] {
        JSONObject([("keywrapresults", .object(["annotation": integers(annotation)]))]).serialized()
    }

    static func unwrapAnswer(optsData: SecretBytes) -> [UInt8] {
        let integers = optsData.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) -> JSONValue in Self.integers(bytes) }
        return JSONObject([("keyunwrapresults", .object(["optsdata": integers]))]).serialized()
    }

    private static func integers(_ bytes: some Sequence<UInt8>) -> JSONValue {
        .array(bytes.map { .int(Int64($0)) })
    }

    private static func object(_ bytes: [UInt8]) throws(GuestError) -> JSONObject {
        do throws(JSONError) {
            return try JSONObject(parsing: bytes, limits: limits)
        } catch {
            throw GuestError(.invalidRequest, "Illegal key provider request: \(error.message).")
        }
    }

    /// Bytes as base64 text or integer array; nil for null.
    private static func bytes(_ value: JSONValue, _ name: String) throws(GuestError) -> [UInt8]? {
        if value.isNull { return nil }
        if let ints = value.byteArrayValue { return ints }
        guard let text = value.stringValue, let bytes = try? Base64.decodeLenient(text) else {
            throw GuestError(.invalidRequest, "Illegal key provider request: \(name) is neither base64 nor bytes.")
        }
        return bytes
    }

    private static func illegal(_ operation: String, _ cause: String) -> GuestError {
        GuestError(.invalidRequest, "Illegal \(operation) request: \(cause)")
    }
}
