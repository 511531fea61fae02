import FoundationEssentials
import Logging

#if canImport(Glibc)
    import Glibc
#endif

/// A log handler that writes one JSON object per entry and line, so that no value can forge a second entry.
///
/// Control characters, line ends and terminal escapes are escaped by the JSON string form (RFC 8259 section 7; attack
/// A53). Metadata whose key is one of ``redactedKeys`` is replaced before it is written.
public struct JSONLogHandler: LogHandler {
    /// Metadata keys whose values never reach a log, whatever their level.
    public static let redactedKeys: Set<String> = [
        "authorization", "cookie", "set-cookie", "token", "nonce", "secret", "password", "key", "private_key", "body",
    ]

    /// The lowest level that is written.
    public var logLevel: Logger.Level
    /// What every entry of this handler carries.
    public var metadata: Logger.Metadata = [:]
    /// What the task at hand adds to every entry.
    public var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let sink: LogSink

    /// Makes a handler.
    ///
    /// - Parameters:
    ///   - label: the logger's name, written as `logger`.
    ///   - level: the lowest level that is written.
    ///   - sink: where the lines go.
    public init(label: String, level: Logger.Level = .info, sink: LogSink = .standardError) {
        self.label = label
        self.logLevel = level
        self.sink = sink
    }

    /// One item of ``metadata``.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one entry as one line.
    public func log(event: LogEvent) {
        var merged = metadata
        for (key, value) in metadataProvider?.get() ?? [:] { merged[key] = value }
        for (key, value) in event.metadata ?? [:] { merged[key] = value }

        var line = "{\"time\":\"\(Date.now.ISO8601Format())\",\"level\":\"\(event.level.rawValue)\",\"logger\":"
        Self.append(label, to: &line)
        line += ",\"message\":"
        Self.append(event.message.description, to: &line)
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) {
            line += ","
            Self.append(key, to: &line)
            line += ":"
            if Self.redactedKeys.contains(key.lowercased()) {
                line += "\"<redacted>\""
            } else {
                Self.append(value, to: &line)
            }
        }
        line += "}\n"
        sink.write(line)
    }

    private static func append(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): append(text, to: &line)
        case .stringConvertible(let item): append(item.description, to: &line)
        case .array(let items):
            line += "["
            for (index, item) in items.enumerated() {
                if index > 0 { line += "," }
                append(item, to: &line)
            }
            line += "]"
        case .dictionary(let members):
            line += "{"
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                append(member.key, to: &line)
                line += ":"
                if redactedKeys.contains(member.key.lowercased()) {
                    line += "\"<redacted>\""
                } else {
                    append(member.value, to: &line)
                }
            }
            line += "}"
        }
    }

    private static func append(_ text: String, to line: inout String) {
        line += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            // C0, DEL, C1 and the Unicode line separators: all of them move a cursor or end a line somewhere.
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}

/// Where log lines go.
public struct LogSink: Sendable {
    private let writeLine: @Sendable (String) -> Void

    /// Makes a sink from a function that takes whole lines, each with its line end.
    public init(_ writeLine: @escaping @Sendable (String) -> Void) {
        self.writeLine = writeLine
    }

    /// The process's standard error, one write per line.
    public static let standardError = LogSink { line in
        var text = line
        text.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count {
                let written = Glibc.write(
                    STDERR_FILENO, UnsafeRawPointer(bytes.baseAddress?.advanced(by: offset)), bytes.count - offset)
                guard written > 0 else { return }
                offset += written
            }
        }
    }

    func write(_ line: String) {
        writeLine(line)
    }
}
