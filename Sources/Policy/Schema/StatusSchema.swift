/// The fields of `status`, the same for every kind. The parser knows none of them: a controller writes them.
enum StatusSchema {
    /// The condition that says whether the document was read without errors.
    static let accepted = "Accepted"
    /// The condition that says whether every broker decides by it.
    static let programmed = "Programmed"

    static let status = ObjectSchema(fields: [
        .optional(
            "observedGeneration", .integer(0...Int64.max), "The metadata.generation that the status speaks of."),
        .optional(
            "conditions",
            .list(ListSchema(item: .object(condition), minimum: 0, maximum: 16, identity: .map(key: "type"))),
            """
            Conditions. \(accepted) says whether the document was read without errors, \(programmed) whether every \
            broker decides by it.
            """),
    ])

    /// A condition as Kubernetes defines it (`metav1.Condition`), with its bounds.
    private static let condition = ObjectSchema(fields: [
        .required(
            "type",
            .text(
                TextSchema(
                    minimumLength: 1, maximumLength: 316, pattern: "^[A-Za-z0-9]([A-Za-z0-9_./-]*[A-Za-z0-9])?$",
                    example: accepted)),
            "What the condition is about, such as \(accepted)."),
        .required("status", .word(["True", "False", "Unknown"]), "Whether it holds."),
        .optional(
            "observedGeneration", .integer(0...Int64.max), "The metadata.generation that the condition speaks of."),
        .required(
            "lastTransitionTime",
            .text(TextSchema(maximumLength: 40, format: "date-time", example: "2026-01-31T12:00:00Z")),
            "When the condition last began or ceased to hold."),
        .required(
            "reason",
            .text(
                TextSchema(
                    minimumLength: 1, maximumLength: 1024, pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                    example: "Applied")),
            "Why, as one word."),
        .required(
            "message", .text(TextSchema(maximumLength: 32_768, example: "Three of three brokers decide by it.")),
            "Why, for people."),
    ])
}
