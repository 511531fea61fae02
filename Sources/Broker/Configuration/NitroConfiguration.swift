public import Verification
public import X509Trust

/// What is demanded of AWS Nitro enclaves.
public struct NitroConfiguration: Sendable, Hashable {
    /// The field of the document that enclaves put the report data into.
    public var reportDataField = NitroVerifier.Options.ReportDataField.userData
    /// How old a document may be.
    public var maximumAge: Duration = .seconds(300)
    /// Lets in enclaves that their parent instance looks into; policies see the claim `debug`.
    public var allowsDebug = false
    /// AWS's revocation lists.
    public var revocationLists: [RevocationList] = []
    /// Refuses enclaves when the list of an authority that has one is not at hand.
    public var requiresRevocationLists = false
    /// How long a revocation list is tolerated after the next one was due.
    public var revocationGrace: Duration = .zero

    /// The defaults.
    public init() {}

    var options: NitroVerifier.Options {
        var options = NitroVerifier.Options()
        options.reportDataField = reportDataField
        options.maximumAge = maximumAge
        options.allowsDebug = allowsDebug
        options.revocationLists = revocationLists
        options.requiresRevocationLists = requiresRevocationLists
        options.revocationGrace = revocationGrace
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
        revocationLists = try section.revocationLists("revocationListFiles")
        requiresRevocationLists = try section.flag("requireRevocationLists") ?? requiresRevocationLists
        revocationGrace =
            try section.duration("revocationGrace", in: .zero ... .seconds(366 * 86_400)) ?? revocationGrace
        try section.finish()
    }
}
