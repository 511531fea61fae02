import RATS

/// The fields of `spec.require.posture` of a release policy.
enum PostureSchema {
    static let posture = ObjectSchema(
        fields: PostureFlag.allCases.map { flag in
            .optional(flag.rawValue, .only(flag.required), "Requires that \(flag.demand), as the evidence itself says.")
        } + [
            .optional(
                "vmpl", .integer(0...3),
                "Requires that the evidence was asked for at exactly this privilege level of SEV-SNP."),
            .optional(
                "tcb", .object(floors),
                """
                The oldest platform versions that are accepted, by kind of guest. A guest of a kind that is not named \
                here is denied.
                """),
        ],
        minimumFields: 1)

    private static let floors = ObjectSchema(
        fields: TCBComponent.tees.map { tee in
            .optional(tee.rawValue, .object(floor(tee)), "What is accepted of a guest of the kind \(tee.rawValue).")
        },
        minimumFields: 1)

    private static func floor(_ tee: TEE) -> ObjectSchema {
        let components = TCBComponent.components(of: tee).map { component in
            SchemaField.optional(
                component.name, component.floorSchema,
                component.form == .bytes
                    ? "The least value of each byte of this security version, in hex; bytes that are left out may be anything."
                    : "The least value of this security version.")
        }
        return ObjectSchema(
            fields: components + (TCBComponent.statesStatus(tee) ? judgement : []) + [
                .optional(
                    "atLeast", .text(TextSchema(minimumLength: 1, maximumLength: 253, example: "platform_versions")),
                    "The name of a reference value: a mapping of the security versions above to further least values.")
            ],
            minimumFields: 1)
    }

    private static let judgement: [SchemaField] = [
        .optional(
            "status", .list(ListSchema(item: .word(DCAPClaims.statuses), maximum: 16, identity: .set)),
            "How Intel may judge the platform. Not given: in any way but revoked."),
        .optional(
            "advisories",
            .list(
                ListSchema(
                    item: .text(TextSchema(maximumLength: 64, example: "INTEL-SA-00960")), minimum: 0, maximum: 256,
                    identity: .set)),
            "The security advisories that may apply to the platform; none when empty. Not given: any."),
    ]
}

extension TCBComponent {
    fileprivate var floorSchema: SchemaValue {
        guard form == .bytes else { return .integer(0...maximum) }
        return .text(
            TextSchema(
                minimumLength: 2, maximumLength: 2 * Int(maximum), pattern: "^([0-9A-Fa-f]{2}){1,\(maximum)}$",
                example: "0701"))
    }
}
