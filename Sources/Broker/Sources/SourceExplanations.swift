import Encodings

/// The room that an answer has for explanations, such as diagnostics: as much for each namespace, so that nobody makes the answer
/// too large to be read, or leaves none for others.
struct SourceExplanations {
    /// The room of one answer, in bytes of JSON.
    static let maximumBytes = 2_097_152
    private static let maximumMessageBytes = 1_024

    private let share: Int
    private var used: [String?: Int] = [:]

    init(namespaces: Int) {
        share = Self.maximumBytes / max(namespaces, 1)
    }

    /// As many of these, from the first on, as there is room for.
    mutating func fitting(_ values: [JSONValue], of namespace: String?) -> [JSONValue] {
        var fitting: [JSONValue] = []
        for value in values {
            let size = used[namespace, default: 0] + value.serializedString().utf8.count + 1
            guard size <= share else { break }
            used[namespace] = size
            fitting.append(value)
        }
        return fitting
    }

    /// A message, shortened when it is long; nil when there is no room for it.
    mutating func fitting(_ message: String?, of namespace: String?) -> String? {
        guard let message else { return nil }
        let text =
            message.utf8.count <= Self.maximumMessageBytes
            ? message : String(decoding: message.utf8.prefix(Self.maximumMessageBytes), as: UTF8.self) + "…"
        return fitting([.string(text)], of: namespace).isEmpty ? nil : text
    }
}
