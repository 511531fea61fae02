import Encodings

/// One block of a PEM text (RFC 7468).
struct PEMBlock {
    let label: String
    var der: [UInt8]
}

/// Reading and writing of PEM texts.
enum PEMDocument {
    /// Longest text that is looked at.
    private static let maximumBytes = 1 << 20

    /// The only block with one of the labels; other blocks (parameters, certificates) are passed over.
    static func block(in pem: String, labelled labels: Set<String>) throws(JOSEError) -> PEMBlock {
        var found: PEMBlock?
        for block in try blocks(in: pem) where labels.contains(block.label) {
            guard found == nil else { throw .malformed("The PEM text holds more than one key") }
            found = block
        }
        guard let found else { throw .malformed("The PEM text holds no key of a known kind") }
        return found
    }

    static func text(label: String, der: [UInt8]) -> String {
        var pem = "-----BEGIN \(label)-----\n"
        var line = 0
        for character in Base64.encode(der).unicodeScalars {
            pem.unicodeScalars.append(character)
            line += 1
            if line % 64 == 0 { pem += "\n" }
        }
        if line % 64 != 0 { pem += "\n" }
        return pem + "-----END \(label)-----\n"
    }

    private static func blocks(in pem: String) throws(JOSEError) -> [PEMBlock] {
        guard pem.utf8.count <= maximumBytes else { throw .malformed("The PEM text is too long") }
        var blocks = [PEMBlock]()
        var label: String?
        var body = [UInt8]()
        defer { wipe(&body) }
        for rawLine in pem.utf8.split(separator: UInt8(ascii: "\n")) {
            let line = trimmed(rawLine)
            if let begun = boundary(line, "-----BEGIN ") {
                guard label == nil else { throw .malformed("A PEM block starts within another one") }
                label = begun
                wipe(&body)
            } else if let ended = boundary(line, "-----END ") {
                guard ended == label else { throw .malformed("A PEM block ends that was not started") }
                blocks.append(PEMBlock(label: ended, der: try decode(body)))
                label = nil
            } else if label != nil {
                body.append(contentsOf: line)
            }
        }
        guard label == nil else { throw .malformed("A PEM block does not end") }
        return blocks
    }

    private static func decode(_ body: [UInt8]) throws(JOSEError) -> [UInt8] {
        do { return try Base64.decode(String(decoding: body, as: UTF8.self)) } catch {
            throw .malformed("A PEM block is not base64 (encrypted keys are not supported)")
        }
    }

    private static func boundary(_ line: Substring.UTF8View, _ start: String) -> String? {
        // Labels are ASCII; others could be canonically equivalent to one that is looked for.
        guard line.starts(with: start.utf8), line.reversed().starts(with: "-----".utf8),
            line.allSatisfy({ $0 < 0x80 })
        else { return nil }
        return String(decoding: line.dropFirst(start.utf8.count).dropLast(5), as: UTF8.self)
    }

    private static func trimmed(_ line: Substring.UTF8View) -> Substring.UTF8View {
        var line = line[...]
        while let last = line.last, last <= 0x20 { line.removeLast() }
        while let first = line.first, first <= 0x20 { line.removeFirst() }
        return line
    }
}
