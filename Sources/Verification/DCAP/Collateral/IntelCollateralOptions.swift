public import RATS
public import X509Trust

/// What counts as Intel's word on a platform, for SGX and TDX alike.
public struct IntelCollateralOptions: Sendable {
    /// The roots that certificates and collateral must lead to; Intel's SGX Root CA unless told otherwise.
    public var anchors: [PinnedAnchor]
    /// How early recoveries count.
    ///
    /// `early`, the default, is what other verifiers use too: a weakness counts from the day on that Intel publishes it,
    /// and a machine that was not updated yet becomes `OutOfDate` at once. With `standard` its owner has some months.
    public var channel: CollateralName.IntelUpdateChannel
    /// How long TCB infos, identities and revocation lists are tolerated after their successor was due; zero, the default,
    /// refuses them. Where this is used, the claim `collateral_expiration_status` is `1`.
    public var grace: Duration
    /// The least evaluation number (`tcbEvaluationDataNumber`) that TCB infos and identities may have. Lower ones than
    /// the source of collateral remembers are refused besides.
    public var minimumEvaluationNumber: UInt32

    /// The safe defaults.
    public init(
        anchors: [PinnedAnchor] = PinnedAnchor.intel, channel: CollateralName.IntelUpdateChannel = .early,
        grace: Duration = .zero, minimumEvaluationNumber: UInt32 = 0
    ) {
        self.anchors = anchors
        self.channel = channel
        self.grace = grace
        self.minimumEvaluationNumber = minimumEvaluationNumber
    }
}

extension PinnedAnchor {
    /// The root of Intel's attestation: the SGX Root CA, valid until 2049.
    ///
    /// Empty when the certificate that was built in is not the one of this fingerprint; then nothing is trusted.
    public static let intel: [PinnedAnchor] = {
        let pem = String(decoding: PackageResources.intel_sgx_root_ca_pem, as: UTF8.self)
        guard let certificate = try? Certificate(pem: pem),
            let anchor = try? PinnedAnchor(
                name: "Intel SGX Root CA", certificate: certificate,
                fingerprint: "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3")
        else { return [] }
        return [anchor]
    }()
}
