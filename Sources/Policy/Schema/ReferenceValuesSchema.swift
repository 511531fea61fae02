/// The fields of `spec` of a `ReferenceValues` document.
enum ReferenceValuesSchema {
    static let spec = ObjectSchema(fields: [
        .required(
            "values",
            .list(ListSchema(item: .object(entry), minimum: 0, maximum: 4096, identity: .map(key: "name"))),
            "The reference values.")
    ])

    private static let entry = ObjectSchema(
        fields: [
            .required(
                "name", .text(TextSchema(minimumLength: 1, maximumLength: 253, example: "measurements")),
                "What reference('NAME') asks for, once in the namespace."),
            .optional("value", .anything, "A single value. Either value or values must be given."),
            .optional(
                "values", .list(ListSchema(item: .anything, minimum: 0, maximum: 4096)),
                "Several values, for expressions such as claims.measurement in reference('NAME')."),
            .optional(
                "state", .word(ReferenceValueState.allCases.map(\.rawValue)),
                "Where the value stands in its life. accepted and deprecated count; candidate and revoked do not.",
                assumed: "accepted"),
            .optional(
                "validFrom", .time("2026-01-31T12:00:00Z"), "From when on the value counts. Not given: always did."),
            .optional(
                "validUntil", .time("2027-01-31T12:00:00Z"),
                "From when on the value counts no longer. Not given: no end."),
            .optional(
                "description", .text(TextSchema(maximumLength: 8192, example: "firmware of October")),
                "A note for people."),
        ],
        exactlyOneOf: ["value", "values"],
        rules: [
            SchemaRule(
                expression: "!has(self.validFrom) || !has(self.validUntil) || self.validFrom < self.validUntil",
                message: "the value ends to be valid before it begins", field: "validUntil")
        ])
}
