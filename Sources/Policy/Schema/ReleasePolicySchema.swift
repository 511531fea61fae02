/// The fields of `spec` of a `ReleasePolicy` or `ClusterReleasePolicy`.
enum ReleasePolicySchema {
    static func spec(_ kind: ResourceKind) -> ObjectSchema {
        ObjectSchema(
            fields: [
                effect(kind),
                .optional(
                    "mode", .word(PolicyMode.allCases.map(\.rawValue)),
                    "Enforce: the policy decides. Audit: it is evaluated and shown, and changes no decision.",
                    assumed: "Enforce"),
                .required("match", .object(match(kind)), "Which requests the policy is about."),
                .optional(
                    "schedule", .object(ScheduleSchema.schedule),
                    "When the policy holds, on the broker's clock. Not given: always."),
                .optional(
                    "require", .object(RequirementsSchema.requirements),
                    "The common conditions. All of them must be met; leave out what does not matter."),
                .optional(
                    "limits", .object(LimitsSchema.limits),
                    "What is asked of the releases before, and of people. It holds over all replicas of the broker."),
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
        expression: """
            !has(self.effect) || self.effect != 'Guardrail' || has(self.require) || has(self.validations) \
            || has(self.schedule) || has(self.limits)
            """,
        message: "a guardrail needs 'require', 'validations', 'schedule' or 'limits'; without any it limits nothing",
        field: "effect",
        jsonSchema: [
            "if": ["properties": ["effect": ["const": "Guardrail"]], "required": ["effect"]],
            "then": [
                "anyOf": [
                    ["required": ["require"]], ["required": ["validations"]], ["required": ["schedule"]],
                    ["required": ["limits"]],
                ]
            ],
        ])

    private static func effect(_ kind: ResourceKind) -> SchemaField {
        let allow = "What the policy does. Allow: its conditions, all true, allow the release."
        guard kind == .clusterReleasePolicy else {
            return .optional("effect", .word([ReleaseEffect.allow.rawValue]), allow, assumed: "Allow")
        }
        return .optional(
            "effect", .word(ReleaseEffect.allCases.map(\.rawValue)),
            allow
                + " Guardrail: they must all be true for any release that it matches, and it allows nothing by itself.",
            assumed: "Allow")
    }

    private static func match(_ kind: ResourceKind) -> ObjectSchema {
        let guardrails = kind == .clusterReleasePolicy ? "; for a guardrail, any" : ""
        return ObjectSchema(fields: [
            resources(kind),
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

    private static func resources(_ kind: ResourceKind) -> SchemaField {
        let meaning = """
            Patterns of resource paths (repository/type/tag), one of which must match. '*' stands for exactly one \
            segment, '**' at the end for any number of them; everything else stands for itself.
            """
        let ownNamespace = " The first segment must be the namespace of the policy."
        return .required(
            "resources",
            .list(
                ListSchema(
                    item: .text(kind == .releasePolicy ? ownPattern : anyPattern), maximum: 256, identity: .set)),
            kind == .releasePolicy ? meaning + ownNamespace : meaning)
    }

    /// Resources have three segments, none of which begins with a dot; the first is a namespace.
    private static let ownPattern: TextSchema = {
        let segment = "(\\*|[A-Za-z0-9_:@=+~-][A-Za-z0-9_.:@=+~-]*)"
        return TextSchema(
            minimumLength: 4, maximumLength: 1024,
            pattern: "^[A-Za-z0-9_-][A-Za-z0-9_.-]*/(\\*\\*|\(segment)/(\\*\\*|\(segment)(/\\*\\*)?))$",
            example: "payments/image-key/*")
    }()

    /// Paths of other plugins may have up to sixteen segments.
    private static let anyPattern: TextSchema = {
        let segment = "(\\*|[A-Za-z0-9_.:@=+~-]+)"
        return TextSchema(
            minimumLength: 1, maximumLength: 1024,
            pattern: "^(\\*\\*|\(segment)(/\(segment)){0,15}(/\\*\\*)?)$", example: "payments/image-key/*")
    }()

    private static func plugin(_ kind: ResourceKind) -> SchemaValue {
        guard kind == .clusterReleasePolicy else { return .word(["resource"]) }
        return .text(
            TextSchema(minimumLength: 1, maximumLength: 63, pattern: "^(\\*|[!-)+-~]+)$", example: "resource"))
    }

    private static let variable = ObjectSchema(fields: [
        .required("name", .identifier("gpus"), "The name, once in the policy."),
        .required(
            "expression", .expression("submods.filter(name, submods[name].class == 'gpu')"), "The value, in CEL."),
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
