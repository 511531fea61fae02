import KBSProtocol

/// Something that happened while the guest ran and that is to be measured: `<domain> <operation> <content>`.
public struct RuntimeEvent: Sendable, Hashable {
    /// The most bytes of an event; it is repeated in every evidence.
    public static let maximumBytes = 16_384
    /// The label of agents' events; its bytes in the log read `LEAA`.
    private static let tag: UInt32 = 0x4141_454C
    private static let eventTag: UInt32 = 6

    /// The whole text.
    public let text: String

    /// An event from its parts.
    ///
    /// Line breaks and other control characters, and spaces in the first two parts, are refused: a reader could take such
    /// an event for several, or for another.
    ///
    /// - Throws: `GuestError` with `invalid_request`.
    public init(domain: String, operation: String, content: String) throws(GuestError) {
        for (name, part) in [("domain", domain), ("operation", operation)] {
            guard !part.isEmpty, !part.contains(" ") else {
                throw GuestError(.invalidRequest, "The \(name) of an event is one word without spaces.")
            }
        }
        try self.init("\(domain) \(operation) \(content)")
    }

    /// An event as it was recorded.
    init(_ text: String) throws(GuestError) {
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw GuestError(.invalidRequest, "An event contains no line breaks or other control characters.")
        }
        guard text.utf8.count <= Self.maximumBytes else {
            throw GuestError(.invalidRequest, "An event has no more than \(Self.maximumBytes) bytes.")
        }
        self.text = text
    }

    /// The text behind its label and size (TCG_PCClientTaggedEvent). The digest covers these bytes.
    var tagged: [UInt8] {
        var tagged: [UInt8] = []
        tagged.appendLittleEndian(Self.tag)
        tagged.appendLittleEndian(UInt32(text.utf8.count))
        return tagged + text.utf8
    }

    func digest(_ algorithm: HashAlgorithm) -> [UInt8] { algorithm.digest(of: tagged) }

    /// The entry of the event in a log (TCG_PCR_EVENT2).
    func entry(register: UInt32, _ algorithm: HashAlgorithm) -> [UInt8] {
        let tagged = tagged
        var entry: [UInt8] = []
        for number in [register, Self.eventTag, 1] { entry.appendLittleEndian(number) }
        entry.appendLittleEndian(algorithm.tcgNumber)
        entry += algorithm.digest(of: tagged)
        entry.appendLittleEndian(UInt32(tagged.count))
        return entry + tagged
    }
}
