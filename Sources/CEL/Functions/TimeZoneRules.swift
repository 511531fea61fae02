import Encodings
import Synchronization

/// Offsets from UTC: fixed ones, and those of the system's time zone database (RFC 8536).
///
/// The database is read from files because the library's own time zones need ICU. A zone is read once and kept.
enum TimeZoneRules {
    private static let folder = "/usr/share/zoneinfo/"
    /// Names are checked against the database's alphabet, so the number of zones bounds the cache.
    private static let zones = Mutex<[String: TimeZoneFile]>([:])

    /// Seconds east of UTC in a zone at a point in time.
    /// - Throws: `CELError` (`invalid_argument`) for an unknown zone.
    static func offset(of zone: String, at seconds: Int64) throws(CELError) -> Int64 {
        if zone == "UTC" || zone == "GMT" || zone == "Z" { return 0 }
        if let fixed = fixedOffset(zone) { return fixed }
        return try file(of: zone).offset(at: seconds)
    }

    /// `+02:00`, `-09:30` or `02:00`.
    private static func fixedOffset(_ zone: String) -> Int64? {
        var rest = Array(zone.utf8)[...]
        let sign: Int64 = rest.first == UInt8(ascii: "-") ? -1 : 1
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        let digits = rest.filter { (48...57).contains($0) }.map { Int64($0 - 48) }
        guard rest.count == 5, digits.count == 4, rest[rest.startIndex + 2] == UInt8(ascii: ":") else { return nil }
        let (hours, minutes) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        return hours < 24 && minutes < 60 ? sign * (hours * 3600 + minutes * 60) : nil
    }

    private static func file(of zone: String) throws(CELError) -> TimeZoneFile {
        if let known = zones.withLock({ $0[zone] }) { return known }
        guard isName(zone), let bytes = try? BoundedFile.bytes(folder + zone, limit: 1_000_000),
            let file = TimeZoneFile(bytes)
        else { throw CELError(.invalidArgument, "\"\(zone.excerpt)\" is not a known time zone") }
        zones.withLock { $0[zone] = file }
        return file
    }

    private static func isName(_ zone: String) -> Bool {
        let parts = zone.split(separator: "/", omittingEmptySubsequences: false)
        return zone.utf8.count <= 64
            && parts.allSatisfy { part in
                part.utf8.first.map { (65...90).contains($0) || (97...122).contains($0) } == true
                    && part.utf8.allSatisfy {
                        (65...90).contains($0) || (97...122).contains($0) || (48...57).contains($0)
                            || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+")].contains($0)
                    }
            }
    }
}
