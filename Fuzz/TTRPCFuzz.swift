import NIOCore

@testable import GuestAPI

#if canImport(Glibc)
    import Glibc
#endif

/// What a process on a ttrpc socket can send before anything is known about it.
enum TTRPCFuzz {
    static func run(_ bytes: [UInt8]) {
        let whole = frames(of: [bytes[...]])
        // Frames do not depend on how the bytes were cut, and are written as they were read.
        let cut = Int(bytes.first ?? 0) % (bytes.count + 1)
        guard frames(of: [bytes[..<cut], bytes[cut...]]) == whole,
            bytes.starts(with: whole.flatMap { Array($0.serialized().readableBytesView) })
        else { abort() }
        for frame in whole {
            guard let request = try? Ttrpc_Request(serializedBytes: Array(frame.data.readableBytesView)) else {
                continue
            }
            _ = try? Api_SecureMountRequest(serializedBytes: request.payload)
            _ = try? AttestationAgent_ExtendRuntimeMeasurementRequest(serializedBytes: request.payload)
        }
    }

    private static func frames(of pieces: [ArraySlice<UInt8>]) -> [TTRPCFrame] {
        var reader = TTRPCFrameReader()
        var frames: [TTRPCFrame] = []
        do throws(TTRPCOversizedFrame) {
            for piece in pieces {
                reader.append(ByteBuffer(bytes: piece))
                while let frame = try reader.next() { frames.append(frame) }
            }
        } catch {
            return frames
        }
        return frames
    }
}
