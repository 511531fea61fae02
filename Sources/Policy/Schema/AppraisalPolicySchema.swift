import RATS

/// The fields of `spec` of an `AppraisalPolicy`.
enum AppraisalPolicySchema {
    static let spec = ObjectSchema(fields: [
        .required(
            "class", .word(DeviceClass.allCases.map(\.rawValue)),
            "The class of things that the policy grades. The policy named default-CLASS grades what asks for no other."),
        .optional(
            "defaults", .byTrustClaim(.grade) { "The grade when no rule holds, for \($0)." },
            "The grades when no rule holds. What is not named is 0: no claim is made."),
        .optional(
            "rules", .list(ListSchema(item: .object(rule), minimum: 0, maximum: 512)),
            "Rules in order. For each trust claim the first one that holds gives the grade."),
        .optional(
            "extensions",
            .list(ListSchema(item: .object(appraisalExtension), maximum: 16, identity: .map(key: "name"))),
            "Members that are added to the appraisal and to the token."),
    ])

    private static let rule = ObjectSchema(
        fields: [
            .optional(
                "tee", .tee, "The kind of guest or device that the rule is about. Either tee or tees must be given."),
            .optional("tees", .tees, "Several kinds that the rule is about."),
            .required("claim", .trustClaim, "The trust claim that the rule grades."),
            .required(
                "value", .grade,
                """
                The grade, a number of AR4SI: 2 to 31 is affirming, 32 to 95 a warning, 96 and above contraindicated, \
                -1 to 1 no claim.
                """),
            .required(
                "when", .list(ListSchema(item: .expression("tee == 'snp'"), minimum: 0, maximum: 64)),
                "Conditions in CEL, all of which must be true. A rule without conditions always holds."),
        ],
        exactlyOneOf: ["tee", "tees"])

    private static let appraisalExtension = ObjectSchema(
        fields: [
            .required(
                "name", .text(TextSchema(minimumLength: 1, maximumLength: 253, example: "ear.example.identifiers")),
                "The name of the member, once in the policy."),
            .required(
                "fields", .list(ListSchema(item: .object(extensionField), maximum: 64)), "The values in the member."),
        ],
        rules: [
            SchemaRule(
                expression: """
                    !(self.name in ['ear.status', 'ear.trustworthiness-vector', 'ear.appraisal-policy-id']) && \
                    !self.name.startsWith('ear.veraison.')
                    """,
                message: "every appraisal has a member of this name: choose another one", field: "name",
                jsonSchema: [
                    "properties": [
                        "name": [
                            "not": [
                                "pattern":
                                    "^ear\\.(status|trustworthiness-vector|appraisal-policy-id|veraison\\..*)$"
                            ]
                        ]
                    ]
                ])
        ])

    private static let extensionField = ObjectSchema(fields: [
        .required(
            "path",
            .text(
                TextSchema(
                    minimumLength: 1, maximumLength: 253, pattern: "^[^.]+(\\.[^.]+){0,7}$",
                    example: "validated.container_images")),
            "Where in the member the value stands: up to 8 names with dots between them."),
        .required(
            "expression", .expression("tee"), "The value, in CEL. When the expression fails, the field is left out."),
        .optional("omitEmpty", .boolean, "Whether to leave empty values out.", assumed: false),
    ])
}
