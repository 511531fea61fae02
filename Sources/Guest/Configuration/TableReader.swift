import Encodings
import FoundationEssentials

/// Reads the values of one table, with errors that name table and key.
struct TableReader {
    private let table: JSONObject
    private let name: String

    init(_ table: JSONObject, name: String) {
        self.table = table
        self.name = name
    }

    /// Refuses keys other than these.
    func permit(_ keys: Set<String>) throws(GuestError) {
        for key in table.names where !keys.contains(key) { throw error(key.printable, "is no known key") }
    }

    func has(_ key: String) -> Bool { table.contains(key) }

    func text(_ key: String) throws(GuestError) -> String? {
        guard let value = table[key] else { return nil }
        guard let text = value.stringValue, !text.isEmpty else { throw error(key, "is no text") }
        return text
    }

    func flag(_ key: String) throws(GuestError) -> Bool? {
        guard let value = table[key] else { return nil }
        guard let flag = value.boolValue else { throw error(key, "is neither true nor false") }
        return flag
    }

    /// Texts: an array of them, or one alone.
    func texts(_ key: String) throws(GuestError) -> [String]? {
        guard let value = table[key] else { return nil }
        var texts: [String] = []
        for element in value.arrayValue ?? [value] {
            guard let text = element.stringValue, !text.isEmpty else { throw error(key, "is no array of texts") }
            texts.append(text)
        }
        return texts
    }

    /// A number, in decimal digits.
    func number(_ key: String) throws(GuestError) -> String? {
        guard let value = table[key] else { return nil }
        if let number = value.intValue { return "\(number)" }
        guard let number = value.doubleValue, number.isFinite else { throw error(key, "is no number") }
        return "\(number)"
    }

    /// A number of seconds, at most a year.
    func seconds(_ key: String) throws(GuestError) -> TimeInterval? {
        guard let value = table[key] else { return nil }
        guard let seconds = value.doubleValue, (0...31_536_000).contains(seconds) else {
            throw error(key, "is no number of seconds")
        }
        return seconds
    }

    /// A user's or group's number.
    func identity(_ key: String) throws(GuestError) -> UInt32? {
        guard let value = table[key] else { return nil }
        guard let number = value.intValue, let identity = UInt32(exactly: number), identity < .max else {
            throw error(key, "is no number of a user or group")
        }
        return identity
    }

    /// Permission bits: octal digits as text, or a number.
    func mode(_ key: String) throws(GuestError) -> UInt32? {
        guard let value = table[key] else { return nil }
        let mode = value.stringValue.flatMap { UInt32($0, radix: 8) } ?? value.intValue.flatMap { UInt32(exactly: $0) }
        guard let mode, mode <= 0o777 else { throw error(key, "is no mode, like \"0400\"") }
        return mode
    }

    func error(_ key: String, _ reason: String) -> GuestError {
        GuestError(.invalidRequest, "In the configuration, \(name).\(key) \(reason).")
    }
}
