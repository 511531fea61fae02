/// The fields of `spec` of a `ReleasePolicy` or `ClusterReleasePolicy`.
enum ReleasePolicySchema {
    static func spec(_ kind: PolicyKind) -> ObjectSchema {
        ObjectSchema(
            fields: [
                effect(kind),
                .required("match", .object(match(kind)), "Which requests the policy is about."),
                .optional(
                    "require", .object(requirements),
                    "The common conditions. All of them must be met; leave out what does not matter."),
                .optional(
                    "variables",
                    .list(ListSchema(item: .object(variable), maximum: 64, identity: .map(key: "name"))),
                    "Named values for the validations, used as variables.NAME. Each may use those before it."),
                .optional(
                    "validations", .list(ListSchema(item: .object(validation), maximum: 64)),
                    "Conditions in CEL. All of them must be true; false, an error and any other value deny."),
            ],
            rules: kind == .clusterReleasePolicy ? [guardrailLimits] : [])
    }

    private static let guardrailLimits = SchemaRule(
        expression: "!has(self.effect) || self.effect != 'Guardrail' || has(self.require) || has(self.validations)",
        message: "a guardrail needs 'require' or 'validations'; without any it limits nothing")

    private static func effect(_ kind: PolicyKind) -> SchemaField {
        guard kind == .clusterReleasePolicy else {
            return .optional(
                "effect", .word([ReleaseEffect.allow.rawValue]),
                "What the policy does. Allow, which is the default: its conditions, all true, allow the release.")
        }
        return .optional(
            "effect", .word(ReleaseEffect.allCases.map(\.rawValue)),
            """
            What the policy does. Allow, which is the default: its conditions, all true, allow the release. Guardrail: \
            its conditions must all be true for any release that it matches, and it allows nothing by itself.
            """)
    }

    private static func match(_ kind: PolicyKind) -> ObjectSchema {
        let ownNamespace =
            kind == .releasePolicy ? " The first segment must be the namespace of the policy." : ""
        let guardrails = kind == .clusterReleasePolicy ? "; for a guardrail, any" : ""
        return ObjectSchema(fields: [
            .required(
                "resources", .list(ListSchema(item: .text(pattern), maximum: 256, identity: .set)),
                """
                Patterns of resource paths (repository/type/tag), one of which must match. '*' stands for exactly one \
                segment, '**' at the end for any number of them; everything else stands for itself.\(ownNamespace)
                """),
            .optional(
                "operations",
                .list(
                    ListSchema(
                        item: .word(ReleasePolicyReader.operations + [ReleaseMatch.any]), maximum: 16, identity: .set)),
                "Operations, one of which must be the requested one; '*' is any. Not given: get\(guardrails)."),
            .optional(
                "plugins", .list(ListSchema(item: plugin(kind), maximum: 16, identity: .set)),
                kind == .releasePolicy
                    ? "Plugins of the broker. Only resources belong to a namespace, so resource is the only one."
                    : "Plugins of the broker, one of which must be the requested one; '*' is any. "
                        + "Not given: resource\(guardrails)."),
        ])
    }

    private static let pattern: TextSchema = {
        let segment = "([A-Za-z0-9_.:@=+~-]+|\\*)"
        return TextSchema(
            minimumLength: 1, maximumLength: 1024,
            pattern: "^(\\*\\*|\(segment)(/\(segment)){0,15}(/\\*\\*)?)$", example: "payments/image-key/*")
    }()

    private static func plugin(_ kind: PolicyKind) -> SchemaValue {
        guard kind == .clusterReleasePolicy else { return .word(["resource"]) }
        return .text(
            TextSchema(minimumLength: 1, maximumLength: 63, pattern: "^(\\*|[!-)+-~]+)$", example: "resource"))
    }

    private static let requirements = ObjectSchema(
        fields: [
            .optional(
                "tees", .list(ListSchema(item: .tee, maximum: 32, identity: .set)),
                "The guest is of one of these kinds. Not given: of any kind."),
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
                "maxEvidenceAge",
                .text(
                    TextSchema(
                        minimumLength: 2, maximumLength: 32, pattern: "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
                        example: "10m")),
                "The greatest age of the attestation: hours, minutes and seconds, such as 90s, 10m or 1h30m."),
            .optional("initData", .object(initData), "What is asked of the init-data that the guest was started with."),
            .optional(
                "minProtocol",
                .text(
                    TextSchema(
                        minimumLength: 5, maximumLength: 14, pattern: "^[0-9]{1,4}\\.[0-9]{1,4}\\.[0-9]{1,4}$",
                        example: "0.4.0")),
                "The oldest version of the KBS protocol that the guest may have attested with."),
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
                "required", .boolean,
                "Whether the guest must have verified init-data at all. Not given: true."),
        ],
        rules: [
            SchemaRule(
                expression: "!has(self.required) || self.required || !has(self.digests)",
                message: "digests can only match init-data that is there: remove 'required'")
        ])

    private static let digest = TextSchema(
        minimumLength: 43, maximumLength: 256,
        example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")

    private static let variable = ObjectSchema(fields: [
        .required("name", .identifier("gpus"), "The name, once in the policy."),
        .required(
            "expression", .expression("submods.filter(name, submods[name].class == 'gpu')"),
            "The value, in CEL."),
    ])

    private static let validation = ObjectSchema(fields: [
        .required("expression", .expression("size(submods) >= 1"), "The condition: CEL that gives a boolean."),
        .optional(
            "message", .text(TextSchema(maximumLength: 1024, example: "debug guests never get payment keys")),
            "What the explanation of a denial says. Not given: it is made from the expression."),
        .optional(
            "messageExpression", .expression("'not for ' + tee"),
            "The same as CEL that gives a string. When it fails, message is used; it never changes the decision."),
        .optional(
            "reason", .identifier("DebugGuest"), "A code of your own for a denial, shown in its explanation."),
    ])
}
