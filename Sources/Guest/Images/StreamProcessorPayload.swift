import Encodings
import FoundationEssentials
public import OCIEncryption

/// What containerd hands to a stream processor for encrypted layers: a protobuf `Any` whose value is the JSON of imgcrypt's
/// payload, the layer's descriptor and keys for decryption. The keys are not used: this agent's come from the broker.
public struct StreamProcessorPayload: Sendable {
    /// The most bytes that are read.
    public static let maximumSize = 4 << 20
    private static let typeName = "io.containerd.ocicrypt.v1.Payload"

    /// The encrypted layer.
    public let layer: Descriptor

    /// Reads a payload: the `Any`, or its JSON alone.
    ///
    /// - Throws: `GuestError` with `invalid_request`.
    public init(parsing bytes: [UInt8]) throws(GuestError) {
        guard bytes.count <= Self.maximumSize else { throw Self.illegal("it is larger than 4 MiB") }
        let json = bytes.first == UInt8(ascii: "{") ? bytes : try Self.value(bytes)
        let object: JSONObject
        do throws(JSONError) {
            object = try JSONObject(parsing: json, limits: JSONLimits(maximumBytes: Self.maximumSize))
        } catch {
            throw Self.illegal(error.message)
        }
        guard let descriptor = object["Descriptor"] else { throw Self.illegal("it has no Descriptor") }
        do {
            layer = try Descriptor(descriptor)
        } catch {
            throw Self.illegal("\(error)")
        }
    }

    /// The value of an `Any`: fields 1 (type, a text) and 2 (value, bytes).
    private static func value(_ bytes: [UInt8]) throws(GuestError) -> [UInt8] {
        var type: [UInt8] = []
        var value: [UInt8] = []
        var reader = ByteReader(bytes)
        do throws(ByteReaderError) {
            while !reader.isAtEnd {
                let tag = try reader.u8()
                let field = try reader.bytes(varint(&reader))
                switch tag {
                case 0x0A: type = field
                case 0x12: value = field
                default: break
                }
            }
        } catch {
            throw illegal("it is no protobuf message of that kind")
        }
        let name = String(decoding: type, as: UTF8.self).split(separator: "/").last.map(String.init)
        guard name == typeName else { throw illegal("its type is \((name ?? "missing").prefix(80).printable)") }
        return value
    }

    private static func varint(_ reader: inout ByteReader) throws(ByteReaderError) -> Int {
        var number = 0
        for shift in stride(from: 0, to: 28, by: 7) {
            let byte = try reader.u8()
            number |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return number }
        }
        // Larger than anything that is accepted.
        try reader.skip(reader.remaining + 1)
        return number
    }

    private static func illegal(_ reason: String) -> GuestError {
        GuestError(.invalidRequest, "The payload from containerd cannot be used: \(reason).")
    }
}
