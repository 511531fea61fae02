/// The fields of `spec` of a `ReferenceValues` document.
enum ReferenceValuesSchema {
    static let spec = ObjectSchema(fields: [
        .required(
            "values",
            .list(ListSchema(item: .object(entry), minimum: 0, maximum: 4096)),
            "The reference values.")
    ])

    private static let provenance = ObjectSchema(
        fields: [
            .optional("source", text("registry.example/firmware:1"), "What the value was measured on."),
            .optional("digest", text("sha256:00"), "The digest of that."),
            .optional("builtBy", text("ci-42"), "Who or what built it."),
            .optional("signedBy", text("release-team"), "Who signed it."),
            .optional("date", .time("2026-01-31T12:00:00Z"), "When."),
        ],
        minimumFields: 1)

    private static func text(_ example: String) -> SchemaValue {
        .text(TextSchema(maximumLength: 1024, example: example))
    }

    private static let entry = ObjectSchema(
        fields: [
            .required(
                "name", .text(TextSchema(minimumLength: 1, maximumLength: 253, example: "measurements")),
                "What reference('NAME') asks for. Lists of one name in one document are put together."),
            .optional("value", .anything, "A single value. Either value or values must be given."),
            .optional(
                "values", .list(ListSchema(item: .anything, minimum: 0, maximum: 4096)),
                "Several values, for expressions such as claims.measurement in reference('NAME')."),
            .optional(
                "state", .word(ReferenceValueState.allCases.map(\.rawValue)),
                "Where the value stands in its life. accepted and deprecated count, candidate does not; revoked "
                    + "takes what is equal to it from the other values of its name.",
                assumed: "accepted"),
            .optional(
                "validFrom", .time("2026-01-31T12:00:00Z"), "From when on the value counts. Not given: always did."),
            .optional(
                "validUntil", .time("2027-01-31T12:00:00Z"),
                "From when on the value counts no longer. Not given: no end."),
            .optional(
                "description", .text(TextSchema(maximumLength: 8192, example: "firmware of October")),
                "A note for people."),
            .optional(
                "provenance", .object(provenance),
                "Where the value comes from, for explanations and lists. Nothing of it is checked."),
        ],
        exactlyOneOf: ["value", "values"],
        rules: [
            SchemaRule(
                expression: "!has(self.validFrom) || !has(self.validUntil) || self.validFrom < self.validUntil",
                message: "the value ends to be valid before it begins", field: "validUntil")
        ])
}
