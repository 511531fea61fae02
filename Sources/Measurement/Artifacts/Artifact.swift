public import Crypto

/// Bytes that are measured and may be too many to hold: a kernel, an initrd, an image.
public protocol Artifact: Sendable {
    /// The number of bytes.
    var size: Int { get }

    /// Some of the bytes.
    ///
    /// - Parameter range: lies within `0..<size`; callers go through ``Artifact/read(at:count:_:)``, which checks that.
    /// - Throws: `unreadable` when they are not to be had.
    func bytes(in range: Range<Int>) throws(MeasurementError) -> [UInt8]
}

extension Artifact {
    /// How many bytes are held at a time while an artefact is hashed: 256 KiB.
    static var pieceSize: Int { 262_144 }

    /// `count` bytes from `start` on, or `malformed_image` where the artefact ends before.
    func read(at start: Int, count: Int, _ name: String) throws(MeasurementError) -> [UInt8] {
        let range = try range(at: start, count: count, name)
        return try bytes(in: range)
    }

    /// The range of `count` bytes from `start` on, or `malformed_image` where the artefact ends before.
    func range(at start: Int, count: Int, _ name: String) throws(MeasurementError) -> Range<Int> {
        guard start >= 0, count >= 0, start <= size, count <= size - start else {
            throw MeasurementError(
                .malformedImage,
                "\(name) is cut off: it should have \(count) bytes at \(start), and has \(size) in all.")
        }
        return start..<start + count
    }

    /// Hashes a part of the artefact, of which only a piece is held at a time.
    func feed<Hash: HashFunction>(_ range: Range<Int>, into hash: inout Hash) throws(MeasurementError) {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(range.upperBound, start + Self.pieceSize)
            hash.update(data: try bytes(in: start..<end))
            start = end
        }
    }

    /// The digest of all bytes, of which only a piece is held at a time.
    public func digest<Hash: HashFunction>(_ algorithm: Hash.Type) throws(MeasurementError) -> [UInt8] {
        var hash = Hash()
        try feed(0..<size, into: &hash)
        return Array(hash.finalize())
    }
}

/// An artefact that is held in memory.
public struct MemoryArtifact: Artifact {
    private let content: [UInt8]

    /// An artefact of these bytes.
    public init(_ content: [UInt8]) { self.content = content }

    /// The number of bytes.
    public var size: Int { content.count }

    /// Some of the bytes.
    public func bytes(in range: Range<Int>) -> [UInt8] { Array(content[range]) }
}

/// An artefact whose beginning a loader writes over.
struct PatchedArtifact<Base: Artifact>: Artifact {
    let base: Base
    /// At most as long as the base.
    let beginning: [UInt8]

    var size: Int { base.size }

    func bytes(in range: Range<Int>) throws(MeasurementError) -> [UInt8] {
        guard range.lowerBound < beginning.count else { return try base.bytes(in: range) }
        let patched = beginning[range.lowerBound..<min(range.upperBound, beginning.count)]
        guard range.upperBound > beginning.count else { return Array(patched) }
        return try patched + base.bytes(in: beginning.count..<range.upperBound)
    }
}
