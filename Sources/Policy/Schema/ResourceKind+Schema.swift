/// The fields of documents, by kind.
extension ResourceKind {
    /// What `spec` may hold.
    var specSchema: ObjectSchema {
        switch self {
        case .releasePolicy, .clusterReleasePolicy: ReleasePolicySchema.spec(self)
        case .appraisalPolicy: AppraisalPolicySchema.spec
        case .referenceValues: ReferenceValuesSchema.spec
        case .brokeredSecret: BrokeredSecretSchema.spec
        case .agentProfile: AgentProfileSchema.spec
        case .policyBundle: PolicyBundleSchema.spec
        }
    }

    /// What a whole document may hold, as it stands in a file.
    var documentSchema: ObjectSchema {
        ObjectSchema(fields: [
            .required("apiVersion", .word([PolicyDocument.apiVersion]), "The version of this form of document."),
            .required("kind", .word([rawValue]), "The kind of document."),
            .required("metadata", .object(metadataSchema), "The name of the document, and whose it is."),
            .required("spec", .object(specSchema), "What the document says."),
        ])
    }

    private var metadataSchema: ObjectSchema {
        let note = TextSchema(maximumLength: 65_536, example: "ml-platform")
        let fields: [SchemaField] = [
            .required(
                "name",
                .text(
                    TextSchema(
                        minimumLength: 1, maximumLength: 253, pattern: "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
                        example: "image-keys")),
                "The name, once in its kind and namespace."),
            .optional("labels", .textsByName(note), "Labels for people and programs. The broker ignores them."),
            .optional("annotations", .textsByName(note), "Notes for people and programs. The broker ignores them."),
        ]
        return ObjectSchema(fields: fields + [namespaceField].compactMap { $0 })
    }

    private var namespaceField: SchemaField? {
        let namespace = SchemaValue.text(
            TextSchema(
                minimumLength: 1, maximumLength: 63, pattern: "^([A-Za-z0-9_][A-Za-z0-9_.-]*|-[A-Za-z0-9_.-]+)$",
                example: "payments"))
        switch scope {
        case .namespaced:
            return .required(
                "namespace", namespace, "The tenant, which is the first segment of the names of its resources.")
        case .either:
            return .optional(
                "namespace", namespace, "The tenant whose policies see the document. Not given: all of them do.")
        case .cluster: return nil
        }
    }

    /// What documents of the kind are for.
    var documentation: String {
        switch self {
        case .releasePolicy:
            """
            Says which attested guests may have which resources of its namespace. What no policy allows is denied. A \
            namespace is a tenant: it is the first segment of the names of its resources.
            """
        case .clusterReleasePolicy:
            """
            Says which attested guests may have which resources of all namespaces or, as a guardrail, what must hold \
            for any release. What no policy allows is denied.
            """
        case .appraisalPolicy:
            """
            Says how the claims in evidence of one class are graded: for each of the AR4SI trust claims, whether it is \
            affirming, a warning or contraindicated.
            """
        case .referenceValues:
            """
            Named values that claims are compared with. Values with a namespace are for the policies of that \
            namespace; a document without one, which only files can be, is for all policies and for appraisals.
            """
        case .brokeredSecret:
            """
            A value that the broker keeps as a resource of the namespace's repository: made by the broker, sealed to \
            it elsewhere, or copied from a Secret. It releases nothing: that takes a ReleasePolicy.
            """
        case .agentProfile:
            """
            Says which pods of the namespace get an agent, how it runs, and which resources it fetches for them. What \
            they really get the broker decides.
            """
        case .policyBundle:
            """
            Policies that were signed elsewhere, for brokers that do not believe the cluster. The cluster only carries \
            them.
            """
        }
    }
}
