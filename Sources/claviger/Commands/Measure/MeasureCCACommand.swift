import ArgumentParser
import Encodings
import Measurement

extension RealmHash: ExpressibleByArgument {}

struct MeasureCCACommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cca", abstract: "The initial measurement (RIM) of an Arm CCA realm.",
        discussion: """
            The measurement grows with every call of the host, so the calls are named in their order: ram=BASE-END makes \
            memory RAM (measured by RMM 1.0, not by 2.0), load=FILE@ADDRESS copies a file, unmeasured=FILE@ADDRESS copies \
            one of which only the place counts, cpu=ENTRY,X0,X1… creates a processor. For example: \
            ram=0x80000000-0x90000000 load=Image@0x80200000 load=guest.dtb@0x8fe00000 cpu=0x80200000,0x8fe00000
            """)

    @Argument(help: "The host's calls, in their order.")
    var calls: [RealmCall]

    @Option(help: "The realm's hash algorithm.")
    var algorithm: RealmHash = .sha256

    @Option(help: "The width of the realm's addresses in bits.")
    var addressWidth: UInt8

    @Option(help: "The realm's flags.")
    var flags = NumberArgument(0)

    @Option(help: "The length of SVE vectors, as RMM encodes it.")
    var vectorLength: UInt8 = 0

    @Option(help: "The number of breakpoints, as RMM encodes it.")
    var breakpoints: UInt8 = 0

    @Option(help: "The number of watchpoints, as RMM encodes it.")
    var watchpoints: UInt8 = 0

    @Option(help: "The number of performance counters.")
    var counters: UInt8 = 0

    @OptionGroup var output: MeasureOutputOptions

    func run() throws { try output.print(report(), command: "cca") }

    func report() throws -> MeasureReport {
        var report = MeasureReport()
        var measurement = RealmMeasurement(
            RealmParameters(
                algorithm: algorithm, flags: flags.value, addressWidth: addressWidth, vectorLength: vectorLength,
                breakpoints: breakpoints, watchpoints: watchpoints, counters: counters))
        report.settings = [
            "\(algorithm.rawValue), addresses of \(addressWidth) bits, flags \(flags.value.hexadecimal)",
            "vector length \(vectorLength), \(breakpoints) breakpoints, \(watchpoints) watchpoints, \(counters) counters",
        ]
        for call in calls {
            report.settings.append(call.text)
            switch call {
            case .ram(let base, let end): try measurement.makeRAM(from: base, to: end)
            case .load(let path, let address, let isMeasured):
                try measurement.load(report.open(path, as: "image"), at: address, isMeasured: isMeasured)
            case .processor(let entry, let registers):
                measurement.add(try RealmProcessor(instruction: entry, registers: registers))
            }
        }
        // Claims of CCA have their bytes in base64.
        report.values = [
            .init(
                "cca_realm_initial_measurement", Base64.encode(measurement.value),
                "realm initial measurement, in base64")
        ]
        return report
    }
}

/// A call by which a host builds a realm.
enum RealmCall: ExpressibleByArgument {
    case ram(base: UInt64, end: UInt64)
    case load(path: String, address: UInt64, isMeasured: Bool)
    case processor(entry: UInt64, registers: [UInt64])

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "ram":
            guard let numbers = Self.numbers(parts[1], separator: "-"), numbers.count == 2 else { return nil }
            self = .ram(base: numbers[0], end: numbers[1])
        case "load", "unmeasured":
            guard let at = parts[1].lastIndex(of: "@"),
                let address = NumberArgument(argument: String(parts[1][parts[1].index(after: at)...]))
            else { return nil }
            self = .load(path: String(parts[1][..<at]), address: address.value, isMeasured: parts[0] == "load")
        case "cpu":
            guard let numbers = Self.numbers(parts[1], separator: ","), let entry = numbers.first else { return nil }
            self = .processor(entry: entry, registers: Array(numbers.dropFirst()))
        default: return nil
        }
    }

    /// The call without the folder of a file.
    var text: String {
        switch self {
        case .ram(let base, let end): return "ram \(base.hexadecimal) to \(end.hexadecimal)"
        case .load(let path, let address, let isMeasured):
            let name = path.split(separator: "/").last ?? ""
            return "\(isMeasured ? "" : "unmeasured ")\(name) at \(address.hexadecimal)"
        case .processor(let entry, let registers):
            return (["processor at \(entry.hexadecimal)"] + registers.map(\.hexadecimal)).joined(separator: " ")
        }
    }

    private static func numbers(_ text: String, separator: Character) -> [UInt64]? {
        let numbers = text.split(separator: separator, omittingEmptySubsequences: false).map {
            NumberArgument(argument: String($0))?.value
        }
        return numbers.contains(nil) ? nil : numbers.compactMap(\.self)
    }
}
