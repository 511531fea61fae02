import ArgumentParser
import FoundationEssentials
import Policy

/// How computed measurements are printed.
struct MeasureOutputOptions: ParsableArguments {
    enum State: String, ExpressibleByArgument, CaseIterable {
        case candidate, accepted
    }

    @Option(help: "Print a ReferenceValues document of this name instead.")
    var referenceValues: String?

    @Option(help: "The document's namespace; otherwise it is the cluster's, as appraisal policies need it.")
    var namespace: String?

    @Option(help: "The name of the value, where there is one only, instead of that which the default policies ask for.")
    var valueName: String?

    @Option(help: "Where the values stand in their life: candidate does not count yet.")
    var state: State = .accepted

    @Option(help: "From when on the values count no longer, RFC 3339; otherwise there is no end.")
    var validUntil: String?

    @Option(help: "Who computed the values, for example the name of a CI job.")
    var builtBy: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let validUntil, TimestampText.date(validUntil) == nil {
            throw ValidationError("--valid-until is a time such as 2026-01-31T12:00:00Z")
        }
        let forDocuments = namespace != nil || state != .accepted || validUntil != nil || builtBy != nil
        if referenceValues == nil, forDocuments {
            throw ValidationError("--namespace, --state, --valid-until and --built-by go with --reference-values")
        }
        if referenceValues != nil, output.format == .json {
            throw ValidationError("a ReferenceValues document is YAML: leave -o out")
        }
    }

    func print(_ report: MeasureReport, command: String) throws {
        var report = report
        if let valueName {
            guard report.values.count == 1, let value = report.values.first else {
                throw ValidationError("--value-name is for a single value; here are \(report.values.count)")
            }
            report.values = [.init(valueName, value.text, value.meaning, isSingle: value.isSingle)]
        }
        guard let referenceValues else {
            if output.format == .text { return Terminal.write(report.text) }
            let json = try report.json()
            return output.print(json) { report.text }
        }
        let tool = "claviger \(Claviger.versionText) measure \(command)"
        let heading = MeasureReport.Heading(
            name: referenceValues, namespace: namespace, state: state.rawValue, validUntil: validUntil,
            builtBy: builtBy.map { "\($0), with \(tool)" } ?? tool)
        Terminal.write(try report.document(heading, now: Date()))
    }
}
