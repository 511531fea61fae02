import Encodings

/// The fields of `spec` of a `BrokeredSecret`.
enum BrokeredSecretSchema {
    static let spec = ObjectSchema(
        fields: [
            .required("path", .object(path), "The resource under which the value is kept. It can never change."),
            .optional(
                "generate", .object(generate),
                "The broker makes the value, so that it never exists in the cluster. One origin must be given."),
            .optional(
                "sealed", .object(sealed),
                "The value was encrypted to the broker elsewhere, and the cluster only carries it."),
            .optional(
                "secretRef", .object(secretRef),
                """
                The value stands in a Secret of the namespace, in the clear: whoever reads the cluster's Secrets has \
                it. For what has to begin there.
                """),
            .optional(
                "versions", .object(versions), "How long former versions are kept.",
                assumed: ["keep": .int(BrokeredSecretSpec.defaultVersions)]),
            .optional(
                "deletionPolicy", .word(BrokeredSecretSpec.DeletionPolicy.allCases.map(\.rawValue)),
                "What becomes of the resource when this object is deleted. Delete destroys all versions for good.",
                assumed: "Retain"),
            .optional(
                "adopt", .boolean,
                "Whether a resource that somebody else wrote may be taken over: its value is replaced. The broker refuses that "
                    + "(adopt_not_allowed) unless its configuration gives this cluster's source `adopt` in policies.sources.",
                assumed: false),
        ],
        exactlyOneOf: ["generate", "sealed", "secretRef"],
        rules: [
            SchemaRule(
                expression: "self.path == oldSelf.path",
                message: "the path cannot change: make another object, and delete this one", field: "path")
        ])

    private static let path = ObjectSchema(fields: [
        .optional(
            "repository", segment("payments"),
            "The first segment, which is the namespace and nothing else. Not given: the namespace."),
        .required("type", segment("database"), "The second segment."),
        .required("tag", segment("password"), "The third segment."),
    ])

    private static func segment(_ example: String) -> SchemaValue {
        .text(
            TextSchema(
                minimumLength: 1, maximumLength: 253, pattern: "^[A-Za-z0-9_-][A-Za-z0-9_.-]*$", example: example))
    }

    private static let generate = ObjectSchema(
        fields: [
            .required(
                "kind", .word(GeneratedSecret.Kind.allCases.map(\.rawValue)),
                """
                random: bytes. aes256: 32 random bytes. ed25519, p256, rsa3072: a private key, PKCS #8 in PEM. Another \
                kind is another value: a new version.
                """),
            .optional(
                "length", .integer(GeneratedSecret.lengthBounds),
                "How many bytes random has. Not given: \(GeneratedSecret.defaultLength)."),
            .optional(
                "rotationInterval", .duration("720h"),
                "After what time a new version takes its place, from one hour to ten years. Not given: never."),
        ],
        rules: [
            SchemaRule(
                expression: "!has(self.length) || self.kind == 'random'",
                message: "only random has a length", field: "length",
                jsonSchema: [
                    "if": ["required": ["length"]],
                    "then": ["properties": ["kind": ["enum": ["random"]]]],
                ]),
            SchemaRule(
                expression: """
                    !has(self.rotationInterval) || (duration(self.rotationInterval) >= duration('1h') && \
                    duration(self.rotationInterval) <= duration('87600h'))
                    """,
                message: "the interval is from 1h to 87600h", field: "rotationInterval"),
        ])

    private static let sealed = ObjectSchema(fields: [
        .required(
            "jwe",
            .text(
                TextSchema(
                    minimumLength: 9, maximumLength: BrokeredSecretReader.maximumSealedBytes,
                    pattern: "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+){4}$", example: "eyJhbGciOiJFQ0RILUVTIn0.aA.aA.aA.aA")),
            "What `claviger secret seal-to-broker` printed: it opens for this name and path only, and never an older one."
        )
    ])

    private static let secretRef = ObjectSchema(fields: [
        .required("name", .subdomain("database"), "The Secret's name."),
        .required("key", .dataKey("password"), "The key in its data."),
    ])

    private static let versions = ObjectSchema(fields: [
        .required(
            "keep", .integer(BrokeredSecretSpec.versionBounds),
            "How many versions stay, the latest included, which is the only one that guests get.")
    ])
}

extension SchemaValue {
    /// A name of Kubernetes (RFC 1123 subdomain).
    static func subdomain(_ example: String) -> SchemaValue {
        .text(
            TextSchema(
                minimumLength: 1, maximumLength: 253, pattern: "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", example: example))
    }

    /// A key in the data of a Secret or ConfigMap.
    static func dataKey(_ example: String) -> SchemaValue {
        .text(TextSchema(minimumLength: 1, maximumLength: 253, pattern: "^[A-Za-z0-9_.-]+$", example: example))
    }
}
