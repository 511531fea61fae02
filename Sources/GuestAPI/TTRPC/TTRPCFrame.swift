import NIOCore
import SwiftProtobuf

/// One message on a ttrpc connection: ten bytes of header and, behind them, a protobuf message.
///
/// The header holds the length of the data (4 bytes), the stream (4), the kind (1) and flags (1), in network byte order.
struct TTRPCFrame: Sendable, Equatable {
    /// What a frame is for. Kinds that are not named here are left to later versions of the protocol.
    enum Kind {
        static let request: UInt8 = 1
        static let response: UInt8 = 2
        static let data: UInt8 = 3
    }

    static let headerBytes = 10
    static let maximumDataBytes = 4 * 1_048_576

    /// Which call the frame belongs to; clients use odd numbers.
    var streamID: UInt32
    var kind: UInt8
    var flags: UInt8 = 0
    var data: ByteBuffer

    func serialized() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(Self.headerBytes + data.readableBytes)
        buffer.writeInteger(UInt32(data.readableBytes))
        buffer.writeInteger(streamID)
        buffer.writeInteger(kind)
        buffer.writeInteger(flags)
        buffer.writeImmutableBuffer(data)
        return buffer
    }
}

extension Ttrpc_Request {
    /// Reads a frame's data. Fields that are not known here are dropped and not kept: they would cost memory twice.
    init(_ frame: TTRPCFrame) throws {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        try self.init(serializedBytes: Array(frame.data.readableBytesView), options: options)
    }
}

/// A header that announces more data than a frame may have.
struct TTRPCOversizedFrame: Error, Equatable {
    let streamID: UInt32
    let dataBytes: UInt32
}

/// Takes frames out of the bytes of a connection, in whatever pieces these arrive.
///
/// It keeps no more than what arrived: the length that a header announces reserves nothing.
struct TTRPCFrameReader {
    private var bytes = ByteBuffer()

    /// Whether bytes wait for the rest of their frame; to be asked after ``next()`` answered nil.
    var hasPartOfFrame: Bool { bytes.readableBytes > 0 }

    mutating func append(_ more: ByteBuffer) {
        guard bytes.readableBytes > 0 else {
            bytes = more
            return
        }
        bytes.discardReadBytes()
        bytes.writeImmutableBuffer(more)
    }

    /// The next frame that arrived completely; nil when there is none.
    mutating func next() throws(TTRPCOversizedFrame) -> TTRPCFrame? {
        let start = bytes.readerIndex
        guard bytes.readableBytes >= TTRPCFrame.headerBytes,
            let length = bytes.getInteger(at: start, as: UInt32.self),
            let streamID = bytes.getInteger(at: start + 4, as: UInt32.self),
            let kind = bytes.getInteger(at: start + 8, as: UInt8.self),
            let flags = bytes.getInteger(at: start + 9, as: UInt8.self)
        else { return nil }
        guard length <= TTRPCFrame.maximumDataBytes else {
            throw TTRPCOversizedFrame(streamID: streamID, dataBytes: length)
        }
        guard bytes.readableBytes >= TTRPCFrame.headerBytes + Int(length) else { return nil }
        bytes.moveReaderIndex(forwardBy: TTRPCFrame.headerBytes)
        guard let data = bytes.readSlice(length: Int(length)) else { return nil }
        // The memory of a large frame goes with it.
        if bytes.readableBytes == 0 { bytes = ByteBuffer() }
        return TTRPCFrame(streamID: streamID, kind: kind, flags: flags, data: data)
    }
}
