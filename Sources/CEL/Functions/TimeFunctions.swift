/// The parts of timestamps and durations.
enum TimeFunctions {
    private typealias Part = @Sendable (CivilTime, CELTimestamp) -> Int

    static let functions: [NativeFunction] = [
        timestampPart("getFullYear") { time, _ in time.year },
        timestampPart("getMonth") { time, _ in time.month - 1 },
        timestampPart("getDate") { time, _ in time.day },
        timestampPart("getDayOfMonth") { time, _ in time.day - 1 },
        timestampPart("getDayOfWeek") { time, _ in time.weekday },
        timestampPart("getDayOfYear") { time, _ in time.dayOfYear },
        part("getHours", nanoseconds: 3_600_000_000_000) { time, _ in time.hour },
        part("getMinutes", nanoseconds: 60_000_000_000) { time, _ in time.minute },
        part("getSeconds", nanoseconds: 1_000_000_000) { time, _ in time.second },
        // Of a duration the milliseconds within the second, unlike its other parts, which are totals.
        part("getMilliseconds", nanoseconds: 1_000_000, modulo: 1000) { _, stamp in
            Int(stamp.nanoseconds) / 1_000_000
        },
    ]

    private static func timestampPart(_ name: String, _ part: @escaping Part) -> NativeFunction {
        .receiver(name, 1...2) { (arguments, meter) throws(CELError) in
            try civil(arguments, name, part, &meter)
        }
    }

    /// A part that durations have too, as whole units of so many nanoseconds.
    private static func part(
        _ name: String, nanoseconds: Int64, modulo: Int64? = nil, _ part: @escaping Part
    ) -> NativeFunction {
        .receiver(name, 1...2) { (arguments, meter) throws(CELError) in
            if arguments.count == 1, case .duration(let duration) = arguments[0] {
                let total = duration.nanoseconds / nanoseconds
                return .int(modulo.map { total % $0 } ?? total)
            }
            return try civil(arguments, name, part, &meter)
        }
    }

    private static func civil(
        _ arguments: [CELValue], _ name: String, _ part: Part, _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        guard case .timestamp(let stamp) = arguments[0] else { throw CELError.noSuchOverload(name, arguments) }
        var offset: Int64 = 0
        if arguments.count > 1 {
            guard case .string(let zone) = arguments[1] else { throw CELError.noSuchOverload(name, arguments) }
            // An unknown zone is looked for in the file system each time.
            try meter.charge(20)
            offset = try TimeZoneRules.offset(of: zone, at: stamp.seconds)
        }
        return .int(Int64(part(CivilTime(secondsSinceEpoch: stamp.seconds + offset), stamp)))
    }
}
