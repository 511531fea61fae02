import RATS

/// Values that several kinds share.
extension SchemaValue {
    static let tee = SchemaValue.word(TEE.allCases.map(\.rawValue))
    static let tees = SchemaValue.list(ListSchema(item: tee, maximum: 32, identity: .set))
    static let trustClaim = SchemaValue.word(TrustClaim.allCases.map(\.rawValue))
    /// A number of AR4SI.
    static let grade = SchemaValue.integer(-128...127)
    static let tier = SchemaValue.word(RequiredTier.allCases.map(\.rawValue))

    /// The text of a CEL expression.
    static func expression(_ example: String) -> SchemaValue {
        .text(TextSchema(minimumLength: 1, maximumLength: 16_384, example: example))
    }

    /// Letters, digits and `_`, not beginning with a digit.
    static func identifier(_ example: String) -> SchemaValue {
        .text(TextSchema(minimumLength: 1, maximumLength: 63, pattern: "^[A-Za-z_][A-Za-z0-9_]*$", example: example))
    }

    /// A time as RFC 3339 writes it, in whole seconds.
    static func time(_ example: String) -> SchemaValue {
        .text(
            TextSchema(
                minimumLength: 20, maximumLength: 25,
                pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$",
                format: "date-time", example: example))
    }

    /// Hours, minutes and seconds.
    static func duration(_ example: String) -> SchemaValue {
        .text(
            TextSchema(
                minimumLength: 2, maximumLength: 32, pattern: "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$", example: example))
    }

    /// A mapping with one optional field for each trust claim.
    static func byTrustClaim(
        _ value: SchemaValue, minimum: Int = 0, _ documentation: (String) -> String
    ) -> SchemaValue {
        let fields = TrustClaim.allCases.map { claim in
            SchemaField.optional(claim.rawValue, value, documentation(claim.meaning))
        }
        return .object(ObjectSchema(fields: fields, minimumFields: minimum))
    }
}

extension TrustClaim {
    /// What the claim is about, as the end of a sentence.
    fileprivate var meaning: String {
        switch self {
        case .instanceIdentity: "which instance the attester is (instance-identity)"
        case .configuration: "how the attester is configured (configuration)"
        case .executables: "which code was loaded (executables)"
        case .fileSystem: "the files of the attester (file-system)"
        case .hardware: "hardware and firmware (hardware)"
        case .runtimeOpaque: "how memory is kept from the outside (runtime-opaque)"
        case .storageOpaque: "how storage is kept from the outside (storage-opaque)"
        case .sourcedData: "data that the attester got from elsewhere (sourced-data)"
        }
    }
}
