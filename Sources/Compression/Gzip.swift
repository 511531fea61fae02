import CZlib

/// Compressed files (RFC 1952).
public enum Gzip {
    /// Whether bytes begin as a compressed file does.
    public static func isCompressed(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b, 8]) }

    /// The content of one compressed file with nothing behind it, or `nil` when it is damaged or larger than `limit` bytes.
    public static func decompressed(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        guard bytes.count <= limit, let available = UInt32(exactly: bytes.count) else { return nil }
        var stream = z_stream()
        guard claviger_inflate_init_gzip(&stream) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        var input = bytes
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        return input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = available
            while true {
                let (status, made) = fill(&chunk, from: &stream)
                output.append(contentsOf: chunk[..<made])
                guard output.count <= limit else { return nil }
                if status == Z_STREAM_END { return stream.avail_in == 0 ? output : nil }
                guard status == Z_OK, made > 0 || stream.avail_in > 0 else { return nil }
            }
        }
    }

    /// The bytes as a compressed file that holds neither name nor time, so that the same bytes always give the same file; nil
    /// for 4 GiB and more.
    public static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        guard let available = UInt32(exactly: bytes.count) else { return nil }
        var stream = z_stream()
        guard claviger_deflate_init_gzip(&stream) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
        let status = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = available
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(clamping: target.count)
                return deflate(&stream, Z_FINISH)
            }
        }
        guard status == Z_STREAM_END else { return nil }
        output.removeLast(Int(stream.avail_out))
        return output
    }

    private static func fill(_ chunk: inout [UInt8], from stream: inout z_stream) -> (status: Int32, made: Int) {
        chunk.withUnsafeMutableBufferPointer { buffer in
            stream.next_out = buffer.baseAddress
            stream.avail_out = UInt32(buffer.count)
            let status = inflate(&stream, Z_NO_FLUSH)
            return (status, buffer.count - Int(stream.avail_out))
        }
    }
}
