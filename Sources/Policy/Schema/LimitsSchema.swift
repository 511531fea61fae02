/// The fields of `spec.limits` of a release policy.
enum LimitsSchema {
    static let limits = ObjectSchema(
        fields: [
            .optional(
                "scope", .word(ReleaseLimits.Scope.allCases.map(\.rawValue)),
                "What releases and holders are counted over: each resource by itself, or all that the policy releases.",
                assumed: "resource"),
            .optional("maxReleases", .integer(1...10_000), "The greatest number of releases."),
            .optional(
                "per", .word(ReleaseLimits.Subject.allCases.map(\.rawValue)),
                "Whose releases maxReleases counts together.", assumed: "all"),
            .optional(
                "window", .duration("24h"), "maxReleases counts only releases of this last time. Not given: all."),
            .optional(
                "oncePer", .word([ReleaseLimits.Subject.instance.rawValue]), "Each instance gets one release, ever."),
            .optional("concurrentHolders", .integer(1...10_000), "How many may hold a resource at a time."),
            .optional(
                "leaseDuration", .duration("10m"),
                "How long one of concurrentHolders counts after its last fetch; fetching again renews it."),
            .optional("approvals", .object(approvals), "The people who have to agree to each release."),
            .optional(
                "instance", .expression("claims.snp.chip_id"),
                """
                What tells instances apart: CEL that gives a text, from claims that nobody can choose. Not given: what \
                the hardware says about itself.
                """),
        ],
        rules: [
            SchemaRule(
                expression:
                    "has(self.maxReleases) || has(self.oncePer) || has(self.concurrentHolders) || has(self.approvals)",
                message: "nothing is limited here: give maxReleases, oncePer, concurrentHolders or approvals",
                field: "maxReleases",
                jsonSchema: [
                    "anyOf": [
                        ["required": ["maxReleases"]], ["required": ["oncePer"]], ["required": ["concurrentHolders"]],
                        ["required": ["approvals"]],
                    ]
                ]),
            SchemaRule(
                expression: "has(self.maxReleases) || (!has(self.per) && !has(self.window))",
                message: "'per' and 'window' say what maxReleases counts, which is not there", field: "per",
                jsonSchema: [
                    "dependencies": ["per": ["maxReleases"], "window": ["maxReleases"]]
                ]),
            SchemaRule(
                expression: "has(self.concurrentHolders) == has(self.leaseDuration)",
                message: "concurrentHolders and leaseDuration need each other", field: "leaseDuration",
                jsonSchema: [
                    "dependencies": [
                        "concurrentHolders": ["leaseDuration"], "leaseDuration": ["concurrentHolders"],
                    ]
                ]),
            SchemaRule(
                expression: """
                    !has(self.instance) || has(self.oncePer) || has(self.concurrentHolders) \
                    || (has(self.per) && self.per == 'instance')
                    """,
                message: "no limit here asks for the instance: write per: instance, or remove it", field: "instance"),
        ])

    private static let approvals = ObjectSchema(
        fields: [
            .required("required", .integer(1...16), "How many different people must approve."),
            .optional(
                "roles", .list(ListSchema(item: name("key-officer"), maximum: 64, identity: .set)),
                "Approvals by somebody of one of these roles count. With neither roles nor principals, everybody's do."),
            .optional(
                "principals", .list(ListSchema(item: name("alice@example"), maximum: 64, identity: .set)),
                "Approvals by these people (subject@issuer of their admin tokens) count."),
            .required("validFor", .duration("1h"), "How long an approval counts at most."),
            .optional(
                "singleUse", .boolean, "Whether a release spends the approvals that allowed it.", assumed: true),
        ],
        rules: [
            SchemaRule(
                expression: "has(self.roles) || !has(self.principals) || size(self.principals) >= self.required",
                message: "more people must approve than may", field: "required")
        ])

    private static func name(_ example: String) -> SchemaValue {
        .text(TextSchema(minimumLength: 1, maximumLength: 512, example: example))
    }
}
