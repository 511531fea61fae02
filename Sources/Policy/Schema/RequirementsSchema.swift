/// The fields of `spec.require` of a release policy.
enum RequirementsSchema {
    static let requirements = ObjectSchema(
        fields: [
            .optional("tees", .tees, "The guest is of one of these kinds. Not given: of any kind."),
            .optional(
                "trust",
                .byTrustClaim(.tier, minimum: 1) { "What the guest's grade must be for \($0)." },
                """
                Grades that the guest itself (cpu0) must have. affirming accepts only affirming; warning accepts \
                affirming and warning; none accepts affirming and that no claim was made. Nothing accepts \
                contraindicated.
                """),
            .optional(
                "status", .tier,
                "The status that every appraisal must have, those of devices included. It ignores what was not graded."
            ),
            .optional(
                "maxEvidenceAge", .duration("10m"),
                "The greatest age of the attestation: hours, minutes and seconds, such as 90s, 10m or 1h30m."),
            .optional("initData", .object(initData), "What is asked of the init-data that the guest was started with."),
            .optional(
                "minProtocol",
                .text(
                    TextSchema(
                        minimumLength: 5, maximumLength: 14, pattern: "^[0-9]{1,4}\\.[0-9]{1,4}\\.[0-9]{1,4}$",
                        example: "0.4.0")),
                "The oldest version of the KBS protocol that the guest may have attested with."),
            .optional(
                "posture", .object(PostureSchema.posture),
                """
                The state that the guest and its machine are in, each judged by its own evidence. What the evidence \
                does not say denies.
                """),
        ],
        minimumFields: 1)

    private static let initData = ObjectSchema(
        fields: [
            .optional(
                "digests", .list(ListSchema(item: .text(digest), maximum: 256, identity: .set)),
                """
                The guest was started with a document of one of these digests (SHA-256, SHA-384 or SHA-512, in hex or \
                base64). Not given: with any document.
                """),
            .optional(
                "required", .boolean, "Whether the guest must have verified init-data at all.", assumed: true),
        ],
        rules: [
            SchemaRule(
                expression: "!has(self.required) || self.required || !has(self.digests)",
                message: "digests can only match init-data that is there: remove 'required'", field: "required",
                jsonSchema: [
                    "not": ["properties": ["required": ["const": false]], "required": ["required", "digests"]]
                ])
        ])

    private static let digest = TextSchema(
        minimumLength: 43, maximumLength: 256,
        example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
}
