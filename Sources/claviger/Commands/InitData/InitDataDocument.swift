import Compression
import Encodings
import KBSProtocol

/// The forms in which an init-data document travels.
enum InitDataDocument {
    /// The annotation of a pod that kata reads.
    static let annotation = "io.katacontainers.config.hypervisor.cc_init_data"
    private static let imageMagic = Array("initdata".utf8)

    /// Reads a document in any of its forms.
    static func read(_ path: String) throws -> InitData {
        guard let text = String(validating: try content(of: InputFile.read(path, limit: 4 << 20), path), as: UTF8.self)
        else { throw CommandFailure("\(path) is not UTF-8 text") }
        return try InitData(toml: text)
    }

    /// The value of the annotation.
    static func annotationValue(_ document: InitData) throws -> String {
        guard let compressed = Gzip.compressed(Array(document.text.utf8)) else {
            throw CommandFailure("the document cannot be compressed")
        }
        return Base64.encode(compressed)
    }

    /// The document's bytes, taken out of image, base64 and gzip.
    static func content(of bytes: [UInt8], _ name: String) throws -> [UInt8] {
        if let compressed = try imageContent(bytes, name) { return try decompressed(compressed, name) }
        if Gzip.isCompressed(bytes) { return try decompressed(bytes, name) }
        guard let compressed = annotationContent(bytes) else { return bytes }
        return try decompressed(compressed, name)
    }

    /// What a disk image holds behind its magic and the length (64 bits, little-endian); nil for what is no image.
    private static func imageContent(_ bytes: [UInt8], _ name: String) throws -> [UInt8]? {
        let start = imageMagic.count + 8
        guard bytes.starts(with: imageMagic), Gzip.isCompressed(Array(bytes.dropFirst(start).prefix(3))) else {
            return nil
        }
        let length = bytes[imageMagic.count..<start].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let count = Int(exactly: length), count <= bytes.count - start else {
            throw CommandFailure("\(name) is an init-data image that is cut off")
        }
        return Array(bytes[start..<(start + count)])
    }

    /// What a text of base64 holds, if that is gzip; nil for everything else.
    private static func annotationContent(_ bytes: [UInt8]) -> [UInt8]? {
        guard let text = String(validating: bytes.filter { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D }, as: UTF8.self),
            let decoded = try? Base64.decode(text), Gzip.isCompressed(decoded)
        else { return nil }
        return decoded
    }

    private static func decompressed(_ bytes: [UInt8], _ name: String) throws -> [UInt8] {
        guard let content = Gzip.decompressed(bytes, limit: InitData.maximumBytes) else {
            throw CommandFailure("\(name) is damaged gzip, or holds more than \(InitData.maximumBytes) bytes")
        }
        return content
    }
}
