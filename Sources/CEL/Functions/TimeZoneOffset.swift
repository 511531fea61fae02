/// Offsets from UTC by the zone names that the functions of timestamps take, for those who reckon with local times outside
/// an expression.
public enum TimeZoneOffset {
    /// Seconds east of UTC in a zone at a point in time.
    ///
    /// - Parameters:
    ///   - zone: `UTC`, an offset such as `+02:00`, or a name of the system's time zone database such as `Europe/Berlin`.
    ///   - seconds: The point in time, in seconds since 1970-01-01T00:00:00Z.
    /// - Throws: ``CELError`` (`invalid_argument`) for a zone that this machine does not know.
    public static func seconds(of zone: String, at seconds: Int64) throws(CELError) -> Int64 {
        try TimeZoneRules.offset(of: zone, at: seconds)
    }
}
