public import Verification

/// What is demanded of AWS Nitro enclaves.
public struct NitroConfiguration: Sendable, Hashable {
    /// The field of the document that enclaves put the report data into.
    public var reportDataField = NitroVerifier.Options.ReportDataField.userData
    /// How old a document may be.
    public var maximumAge: Duration = .seconds(300)
    /// Lets in enclaves that their parent instance looks into; policies see the claim `debug`.
    public var allowsDebug = false

    /// The defaults.
    public init() {}

    var options: NitroVerifier.Options {
        var options = NitroVerifier.Options()
        options.reportDataField = reportDataField
        options.maximumAge = maximumAge
        options.allowsDebug = allowsDebug
        return options
    }
}

extension NitroConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        if let name = try section.text("reportDataField") {
            guard let field = NitroVerifier.Options.ReportDataField(rawValue: name) else {
                throw section.invalid("reportDataField", "must be user_data or nonce.")
            }
            reportDataField = field
        }
        maximumAge = try section.duration("maximumAge", in: .seconds(1) ... .seconds(86_400)) ?? maximumAge
        allowsDebug = try section.flag("allowDebug") ?? allowsDebug
        try section.finish()
    }
}
