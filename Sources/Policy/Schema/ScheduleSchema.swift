/// The fields of `spec.schedule` of a release policy.
enum ScheduleSchema {
    static let schedule = ObjectSchema(
        fields: [
            .optional(
                "timezone", .text(TextSchema(minimumLength: 1, maximumLength: 64, example: "Europe/Berlin")),
                "The zone whose clock the windows are read on: UTC, an offset such as +02:00, or a name.",
                assumed: "UTC"),
            .optional(
                "windows", .list(ListSchema(item: .object(window), maximum: 64)),
                "One of these must be open. Not given: only the bounds count."),
            .optional("notBefore", .time("2026-01-31T12:00:00Z"), "The policy does not hold before."),
            .optional("notAfter", .time("2027-01-31T12:00:00Z"), "The policy does not hold from then on."),
        ],
        rules: [
            SchemaRule(
                expression: "has(self.windows) || has(self.notBefore) || has(self.notAfter)",
                message: "the schedule says nothing: give windows, notBefore or notAfter", field: "windows",
                jsonSchema: [
                    "anyOf": [["required": ["windows"]], ["required": ["notBefore"]], ["required": ["notAfter"]]]
                ]),
            SchemaRule(
                expression: "!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter",
                message: "the schedule ends before it begins", field: "notAfter"),
        ])

    private static let window = ObjectSchema(
        fields: [
            .optional(
                "days", .list(ListSchema(item: .word(Weekday.allCases.map(\.rawValue)), maximum: 7, identity: .set)),
                "The days on which the window begins. Not given: every day."),
            .required("from", clock("08:00", "^([01][0-9]|2[0-3]):[0-5][0-9]$"), "When the window opens."),
            .required(
                "to", clock("18:00", "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
                "When it closes: on the next day, when that is not after 'from'."),
        ],
        rules: [
            SchemaRule(
                expression: "self.from != self.to", message: "the window is never open; a whole day is 00:00 to 24:00",
                field: "to")
        ])

    private static func clock(_ example: String, _ pattern: String) -> SchemaValue {
        .text(TextSchema(minimumLength: 5, maximumLength: 5, pattern: pattern, example: example))
    }
}
