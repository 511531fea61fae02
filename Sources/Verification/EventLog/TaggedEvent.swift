import Encodings

/// An event that software labelled (TCG_PCClientTaggedEvent), such as what Linux's EFI stub loaded or what the agent of
/// Confidential Containers recorded while the guest ran.
struct TaggedEvent {
    /// The label of the agent's events; its bytes in the log read `LEAA`.
    private static let agentTag: UInt32 = 0x4141_454C

    /// JSON beyond this is left as the text that it is: a value in memory is larger than the two bytes that it may take.
    private static let contentLimits = JSONLimits(maximumBytes: 16_384, maximumDepth: 16, maximumValues: 1024)

    private let tag: UInt32
    private let text: [UInt8]
    /// Whether nothing follows the text. The stub of Linux pads its events; an agent's has nothing to hide.
    private let isWhole: Bool

    /// Reads the label and the text behind it; `nil` when the text is shorter than it says.
    init?(_ data: [UInt8]) {
        var reader = ByteReader(data)
        guard let tag = try? reader.u32LE(), let size = try? reader.u32LE(), let text = try? reader.bytes(Int(size))
        else { return nil }
        self.tag = tag
        self.text = text
        isWhole = reader.isAtEnd
    }

    /// Whether the guest's agent recorded the event, or somebody who wants that to be believed.
    var isAgentEvent: Bool { tag == Self.agentTag }

    /// Whether the text has the form of an agent's event.
    var isWellFormed: Bool { isWhole && agentEntry != nil }

    /// The members of the claim `details`. An agent's event is taken apart only when `isProved`: when its digest covers
    /// the text, because the host could have replaced any other.
    func details(isProved: Bool) -> JSONObject {
        var details = JSONObject()
        let string = String(decoding: text.filter { $0 != 0 }, as: UTF8.self)
        if !string.hasControlCharacters { details["string"] = .string(string) }
        if isAgentEvent {
            details["unicode_name"] = "AAEL"
            if isProved, isWhole, let entry = agentEntry { details["data"] = .object(entry) }
        }
        return details
    }

    /// Domain, operation and content, separated by spaces, of which the content may have more. Short JSON in it is parsed.
    ///
    /// A text with line breaks or other control characters was not written by an agent and would be shown as several.
    private var agentEntry: JSONObject? {
        guard let text = String(validating: text, as: UTF8.self),
            !text.hasControlCharacters
        else { return nil }
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        let content = String(parts[2])
        return [
            "domain": .string(String(parts[0])), "operation": .string(String(parts[1])),
            "content": (try? JSONValue(parsing: content, limits: Self.contentLimits)) ?? .string(content),
        ]
    }
}
