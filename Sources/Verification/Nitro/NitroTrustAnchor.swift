import X509Trust

extension PinnedAnchor {
    /// The root of AWS over the hypervisors of Nitro enclaves.
    ///
    /// It comes with the program, and must have the fingerprint that is written here, or nothing is trusted.
    public static let nitro: [PinnedAnchor] = [root].compactMap(\.self)

    private static let root: PinnedAnchor? = {
        guard let certificate = try? Certificate(der: PackageResources.aws_nitro_root_der) else { return nil }
        return try? PinnedAnchor(
            name: "aws.nitro-enclaves", certificate: certificate,
            fingerprint: "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b")
    }()
}
