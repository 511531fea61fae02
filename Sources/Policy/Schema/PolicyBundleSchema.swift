/// The fields of `spec` of a `PolicyBundle`.
enum PolicyBundleSchema {
    static let spec = ObjectSchema(fields: [
        .required(
            "bundle",
            .text(
                TextSchema(
                    minimumLength: 2, maximumLength: PolicyBundleSpec.maximumBytes,
                    example: """
                        {"apiVersion": "claviger.dev/v1alpha1", "kind": "SignedPolicyBundle", "bundle": \
                        {"apiVersion": "claviger.dev/v1alpha1", "kind": "PolicyBundle", "name": "payments", \
                        "serial": 1, "documents": []}, "signatures": []}
                        """)),
            """
            The text that `claviger policy sign` wrote. The broker decides whether the signatures count, and takes no \
            older serial than it had; nothing in the cluster can change it.
            """)
    ])
}
