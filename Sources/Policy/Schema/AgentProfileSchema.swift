import Encodings

/// The fields of `spec` of an `AgentProfile`.
enum AgentProfileSchema {
    static let spec = ObjectSchema(fields: [
        .optional(
            "selector", .object(selector),
            "Which pods of the namespace get the agent. Not given: those whose annotation names this profile."),
        .optional(
            "mode", .word(AgentProfileSpec.Mode.allCases.map(\.rawValue)),
            "NativeSidecar: the agent starts first and stays. InitOnly: it fetches, writes and ends.",
            assumed: "NativeSidecar"),
        .optional("container", .object(container), "The container of the agent. Not given: the controller's choice."),
        .required("broker", .object(broker), "The broker that the agent asks."),
        .optional(
            "files", .list(ListSchema(item: .object(file), maximum: 64, identity: .map(key: "path"))),
            "Resources that are written to files."),
        .optional(
            "prefetch", .list(ListSchema(item: uri("kbs:///payments/api/token"), maximum: 64, identity: .set)),
            "Resources that are fetched ahead of time and answered from memory."),
        .optional(
            "socket", path("/run/claviger/agent.sock"), "The socket on which the agent serves the pod's containers."),
        .optional(
            "startupTimeout", .duration("2m"),
            "How long the pod waits for what is required, from one second to an hour.", assumed: "2m"),
    ])

    private static let selector = ObjectSchema(
        fields: [
            .optional(
                "matchLabels", .textsByName(TextSchema(maximumLength: 63, example: "web"), maximum: 64),
                "Labels that the pod must have, with these values."),
            .optional(
                "runtimeClassNames", .list(ListSchema(item: .subdomain("kata-qemu-snp"), maximum: 16, identity: .set)),
                "Runtime classes, one of which the pod must have."),
        ],
        minimumFields: 1)

    private static let container = ObjectSchema(
        fields: [
            .optional(
                "image",
                .text(
                    TextSchema(
                        minimumLength: 1, maximumLength: 512, pattern: "^[!-~]+$",
                        example: "registry.example/claviger/agent@sha256:00")),
                "The image, best by digest."),
            .optional("logLevel", .word(AgentProfileReader.logLevels), "From which level on the agent logs."),
            .optional("requests", .object(quantities), "What is reserved for the agent."),
            .optional("limits", .object(quantities), "What the agent may use at most."),
        ],
        minimumFields: 1)

    private static let quantities = ObjectSchema(
        fields: [
            .optional("cpu", quantity("100m"), "Processor time, such as 100m."),
            .optional("memory", quantity("64Mi"), "Memory, such as 64Mi."),
        ],
        minimumFields: 1)

    private static func quantity(_ example: String) -> SchemaValue {
        .text(
            TextSchema(
                minimumLength: 1, maximumLength: 32, pattern: "^[0-9]{1,15}(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", example: example)
        )
    }

    private static let broker = ObjectSchema(fields: [
        .required(
            "urls",
            .list(
                ListSchema(
                    item: .text(
                        TextSchema(
                            minimumLength: 9, maximumLength: 512, pattern: "^https://[!-~]+$",
                            example: "https://broker.claviger.svc:8080")), maximum: 8)),
            "Its addresses, the preferred one first."),
        .optional(
            "caBundle",
            .object(
                ObjectSchema(fields: [
                    .required("configMap", .subdomain("claviger-ca"), "The name of the ConfigMap."),
                    .optional("key", .dataKey("ca.crt"), "The key in its data.", assumed: "ca.crt"),
                ])),
            "The authorities (PEM) that are trusted, from a ConfigMap of the pod's namespace."),
    ])

    private static let file = ObjectSchema(fields: [
        .required("uri", uri("kbs:///payments/database/password"), "The resource."),
        .required("path", path("/run/secrets/database/password"), "Where it is written, once in the profile."),
        .optional(
            "mode",
            .text(TextSchema(minimumLength: 4, maximumLength: 4, pattern: "^0[0-7]{2}[0145]$", example: "0440")),
            "The permission bits. Others may never write.", assumed: "0400"),
        .optional("user", .integer(0...4_294_967_294), "The owning user. Not given: the agent's own."),
        .optional("group", .integer(0...4_294_967_294), "The owning group. Not given: the agent's own."),
        .optional("required", .boolean, "Whether the pod waits for it.", assumed: true),
        .optional(
            "refreshInterval", .duration("1m"), "After what time the broker is asked again; 0s is never.",
            assumed: "1m"),
        .optional(
            "lease", .duration("1h"), "For how long a content counts that the broker did not confirm. Not given: ever."),
        .optional(
            "whenRefused", .word(AgentProfileSpec.File.Refusal.allCases.map(\.rawValue)),
            "What becomes of the file when the broker refuses the resource. Keep: it stays until the lease is over.",
            assumed: "Remove"),
        .optional("onChange", .object(notice), "What happens when there is a new content. Not given: nothing."),
    ])

    private static let notice = ObjectSchema(
        fields: [
            .optional(
                "signal",
                .object(
                    ObjectSchema(fields: [
                        .required("name", .word(AgentProfileReader.signals), "The signal."),
                        .required(
                            "process",
                            .text(
                                TextSchema(
                                    minimumLength: 1, maximumLength: 255, pattern: "^[!-.0-~]+$", example: "postgres")),
                            "The name of the process. The pod needs shareProcessNamespace."),
                    ])),
                "A signal to a process of the pod."),
            .optional("exit", .only(true), "The agent ends, and what supervises it starts it anew."),
        ],
        exactlyOneOf: ["signal", "exit"])

    private static func uri(_ example: String) -> SchemaValue {
        .text(
            TextSchema(
                minimumLength: 12, maximumLength: 1024,
                pattern: "^kbs:///[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*){2}$", example: example))
    }

    private static func path(_ example: String) -> SchemaValue {
        .text(
            TextSchema(
                minimumLength: 2, maximumLength: 1024, pattern: "^(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$", example: example))
    }
}
