import Encodings

/// One HTTP/2 request (RFC 9113), written without a library.
enum HTTP2Request {
    /// Preface, empty settings, and a GET on stream 1 whose header block uses literals only (RFC 7541 section 6.2.2).
    static func get(_ path: String) -> [UInt8] {
        let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        let headers: [UInt8] =
            [0x82, 0x87, 0x04, UInt8(path.utf8.count)] + Array(path.utf8) + [0x01, 9] + Array("localhost".utf8)
        return preface + frame(type: 4, flags: 0, stream: 0, []) + frame(type: 1, flags: 5, stream: 1, headers)
    }

    private static func frame(type: UInt8, flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), type, flags, 0, 0, 0, stream] + payload
    }
}

/// What came back, frame by frame.
struct HTTP2Answer {
    private(set) var data: [UInt8] = []
    private(set) var isComplete = false

    init(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        while reader.remaining >= 9, let high = try? reader.u8(), let low = try? reader.u16BE(),
            let type = try? reader.u8(), let flags = try? reader.u8(), let stream = try? reader.u32BE(),
            let payload = try? reader.bytes(Int(high) << 16 | Int(low))
        {
            guard stream == 1 else { continue }
            if type == 0 { data += payload }
            if flags & 1 == 1 { isComplete = true }
        }
    }
}
