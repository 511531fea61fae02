import ArgumentParser
import Guest

/// The options of what is measured while the guest runs.
struct MeasurementOptions: ParsableArguments {
    @Flag(help: "Measure events that programs report into a register of the hardware, and keep a log of them.")
    var eventLog = false

    @Option(help: "Register for events that name none, as a TPM counts them. Default: 17, which a TPM refuses.")
    var eventLogRegister: UInt64?

    @Flag(help: "Measure each release of a resource too. Needs the event log.")
    var measureReleases = false
}

/// What is measured and where, checked.
struct MeasurementSettings: Sendable {
    /// Where the TPM is, from the reference's variable; nil for the usual places.
    var tpmDevice: String?
    var eventLogIsWanted: Bool
    var eventLogRegister: UInt64
    var eventLogPath: String
    var measuresReleases: Bool

    init(
        _ options: MeasurementOptions, file: ComponentFile?, variables: AgentVariables, environment: [String: String]
    ) throws {
        tpmDevice = environment["AA_TPM_DEVICE"]
        eventLogPath = environment["AAEL_PATH"] ?? RuntimeMeasurements.usualPath
        eventLogIsWanted = try options.eventLog || variables.flag("event-log") || file?.eventLogIsWanted ?? false
        measuresReleases = try options.measureReleases || variables.flag("measure-releases")
        let number = try variables.text("event-log-register").map { text in
            guard let number = UInt64(text) else { throw ValidationError("--event-log-register is a whole number") }
            return number
        }
        eventLogRegister = options.eventLogRegister ?? number ?? UInt64(max(0, file?.eventLogRegister ?? 17))
        guard eventLogPath.hasPrefix("/") else { throw ValidationError("AAEL_PATH is an absolute path") }
        guard eventLogIsWanted || !measuresReleases else {
            throw ValidationError("--measure-releases needs --event-log")
        }
    }
}
