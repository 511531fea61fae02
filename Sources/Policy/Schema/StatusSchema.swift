/// The fields of `status`. The parser knows none of them: a controller writes them.
enum StatusSchema {
    /// The condition that says whether the document was read without errors and taken.
    static let accepted = "Accepted"
    /// The condition that says whether its expressions were compiled.
    static let compiled = "Compiled"
    /// The condition that says whether every broker decides by it.
    static let programmed = "Programmed"
    /// The condition that says whether the object does what it is for.
    static let ready = "Ready"
    /// The condition that says whether the Secret with the value was found.
    static let sourceFound = "SourceFound"
    /// The condition that says whether the value stands in the cluster in the clear.
    static let plaintextInCluster = "PlaintextInCluster"
    /// The condition that says whether any policy could release the resource.
    static let policyAttached = "PolicyAttached"

    static func status(_ kind: ResourceKind) -> ObjectSchema {
        let own: [SchemaField] =
            switch kind {
            case .releasePolicy, .clusterReleasePolicy, .appraisalPolicy, .referenceValues: policy
            case .policyBundle: bundle
            case .brokeredSecret: secret
            case .agentProfile: profile
            }
        return ObjectSchema(fields: shared(conditions(kind)) + own)
    }

    private static func conditions(_ kind: ResourceKind) -> String {
        switch kind {
        case .releasePolicy, .clusterReleasePolicy, .appraisalPolicy, .referenceValues, .policyBundle:
            """
            Conditions. \(accepted) says whether the document was read without errors and taken, \(compiled) whether \
            its expressions were compiled, \(programmed) whether every broker decides by it.
            """
        case .brokeredSecret:
            """
            Conditions. \(ready) says whether the broker keeps the value, \(accepted) whether it took the object, \
            \(sourceFound) whether the Secret is there, \(plaintextInCluster) whether the value stands in the cluster \
            in the clear, \(policyAttached) whether any policy could ever release it.
            """
        case .agentProfile:
            """
            Conditions. \(ready) says whether pods get the agent as described, \(accepted) whether the object was read \
            without errors.
            """
        }
    }

    private static func shared(_ conditions: String) -> [SchemaField] {
        [
            .optional("observedGeneration", count, "The metadata.generation that the status speaks of."),
            .optional(
                "conditions",
                .list(ListSchema(item: .object(condition), minimum: 0, maximum: 16, identity: .map(key: "type"))),
                conditions),
        ]
    }

    private static let count = SchemaValue.integer(0...Int64.max)

    private static let programming: [SchemaField] = [
        .optional(
            "digest", text(64, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            "SHA-256, in hex, of the version that is in force."),
        .optional(
            "programmed",
            .object(
                ObjectSchema(fields: [
                    .required("replicas", count, "How many brokers are alive."),
                    .required("ready", count, "How many of them decide by this version."),
                ])), "How many brokers decide by it."),
    ]

    private static let policy: [SchemaField] =
        programming + [
            .optional(
                "shadowedBy", names("ClusterReleasePolicy/-/affirming-only"),
                "Policies that leave this one nothing to decide."),
            .optional(
                "unresolvedReferences", names("snp_launch_measurement"),
                "Reference values that the document names and nobody gave."),
            .optional("matchedResources", count, "How many stored resources the document is about."),
        ]

    private static let bundle: [SchemaField] =
        programming + [
            .optional("name", text(63, "payments"), "The name of the bundle that was signed."),
            .optional("serial", count, "The serial of the bundle that is in force."),
            .optional("documents", count, "How many documents it has."),
        ]

    private static let secret: [SchemaField] = [
        .optional("uri", text(1100, "kbs:///payments/database/password"), "The resource that guests ask for."),
        .optional("currentVersion", count, "The version that guests get."),
        .optional(
            "contentMAC", text(64, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            """
            Tells versions apart, in hex: HMAC-SHA-256 over version and value under a key that only brokers have. It \
            says nothing about the value to anybody else.
            """),
        .optional("rotatedAt", timestamp, "When the current version was made."),
        .optional("nextRotation", timestamp, "When the broker will make the next one."),
        .optional(
            "source",
            .object(
                ObjectSchema(fields: [
                    .optional("kind", .word(["generate", "sealed", "secretRef"]), "Where the value came from."),
                    .optional(
                        "resourceVersion", text(128, "481516"), "The resourceVersion of the Secret that was read."),
                ])), "Where the value came from."),
    ]

    private static let profile: [SchemaField] = [
        .optional("matchedPods", count, "How many pods the profile is for."),
        .optional("injectedPods", count, "How many of them have the agent."),
        .optional("outdatedPods", count, "How many have it as a former version of the profile described it."),
    ]

    private static func text(_ maximum: Int, _ example: String) -> SchemaValue {
        .text(TextSchema(maximumLength: maximum, example: example))
    }

    private static func names(_ example: String) -> SchemaValue {
        .list(
            ListSchema(
                item: .text(TextSchema(minimumLength: 1, maximumLength: 600, example: example)), minimum: 0,
                maximum: 32, identity: .set))
    }

    private static let timestamp = SchemaValue.text(
        TextSchema(maximumLength: 40, format: "date-time", example: "2026-01-31T12:00:00Z"))

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
        .optional("observedGeneration", count, "The metadata.generation that the condition speaks of."),
        .required("lastTransitionTime", timestamp, "When the condition last began or ceased to hold."),
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
