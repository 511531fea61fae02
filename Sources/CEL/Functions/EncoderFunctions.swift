import Encodings

/// The encoders extension library.
enum EncoderFunctions {
    static let functions: [NativeFunction] = [
        .global("base64.encode", 1...1, encode), .global("base64.decode", 1...1, decode),
    ]

    @Sendable private static func encode(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        guard case .bytes(let bytes) = arguments[0] else { throw CELError.noSuchOverload("base64.encode", arguments) }
        try meter.charge(bytes: bytes.count)
        return .string(Base64.encode(bytes))
    }

    /// Standard alphabet; padding may be missing.
    @Sendable private static func decode(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        guard case .string(let text) = arguments[0] else { throw CELError.noSuchOverload("base64.decode", arguments) }
        try meter.charge(bytes: text.utf8.count)
        let missing = (4 - text.utf8.count % 4) % 4
        let padded = text.utf8.last == UInt8(ascii: "=") ? text : text + String(repeating: "=", count: missing)
        guard let bytes = try? Base64.decode(padded) else {
            throw CELError(.invalidArgument, "the text is not base64")
        }
        return .bytes(bytes)
    }
}
