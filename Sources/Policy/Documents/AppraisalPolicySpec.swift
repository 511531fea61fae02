import RATS

/// The body of an `AppraisalPolicy`: how the claims of one device class become a trust vector.
public struct AppraisalPolicySpec: Sendable {
    /// The class of things that the policy appraises.
    public let deviceClass: DeviceClass
    /// Values of claims for which no rule holds; what is not named is 0, "no claim is made".
    public let defaults: [TrustClaim: Int8]
    /// Rules in order; for each trust claim the first that holds gives the value.
    let rules: [AppraisalRule]
    /// Members that are added to the appraisal.
    let extensions: [AppraisalExtension]
}

/// A value for one trust claim, given when all conditions are true.
struct AppraisalRule: Sendable {
    /// The kinds of attester that the rule is about.
    let tees: [TEE]
    let claim: TrustClaim
    let value: Int8
    let conditions: [PolicyExpression]
    let path: String
    let position: SourcePosition
}

/// A member that is added to the appraisal, such as `ear.trustee.identifiers`.
struct AppraisalExtension: Sendable {
    let name: String
    let fields: [AppraisalExtensionField]
}

/// One value in an extension; a field whose expression fails is left out.
struct AppraisalExtensionField: Sendable {
    /// Members that lead to the value; the objects on the way exist even when the value is left out.
    let path: [String]
    let expression: PolicyExpression
    let omitEmpty: Bool
}
