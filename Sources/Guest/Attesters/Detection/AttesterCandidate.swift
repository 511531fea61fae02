public import RATS

/// A TEE that may be found on this machine.
public struct AttesterCandidate: Sendable {
    /// The TEE.
    public let tee: TEE
    /// The paths of which one must be there, for the message that no TEE was found.
    public let paths: [String]
    /// What a pod needs to see them, for the same message.
    public let mount: String
    /// Whether it is looked for in a TPM, so that a TPM that cannot be used leaves open whether it is there.
    public let isBehindTPM: Bool
    /// The attester when the TEE is there, else nil.
    public let find: @Sendable (any Kernel) throws(GuestError) -> (any Attester)?

    /// A candidate from its parts.
    public init(
        _ tee: TEE, paths: [String], mount: String, isBehindTPM: Bool = false,
        find: @escaping @Sendable (any Kernel) throws(GuestError) -> (any Attester)?
    ) {
        self.tee = tee
        self.paths = paths
        self.mount = mount
        self.isBehindTPM = isBehindTPM
        self.find = find
    }
}
