import ArgumentParser

/// A length of time such as `90s`, `15m`, `8h` or `1d`.
struct DurationArgument: ExpressibleByArgument {
    let duration: Duration

    init(seconds: Int64) { duration = .seconds(seconds) }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = argument.last.flatMap({ units[$0] }), let number = Int64(argument.dropLast()),
            number > 0, number <= 1_000_000
        else { return nil }
        self.init(seconds: number * unit)
    }

    var defaultValueDescription: String {
        let seconds = duration.components.seconds
        return seconds % 3_600 == 0 ? "\(seconds / 3_600)h" : seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}
