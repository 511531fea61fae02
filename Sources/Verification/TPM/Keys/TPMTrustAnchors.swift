public import X509Trust

/// Who certifies the attestation keys of TPMs.
public struct TPMTrustAnchors: Sendable, Hashable {
    /// The roots that are believed.
    public let roots: [PinnedAnchor]
    /// Known authorities under the roots. TPMs store the certificate of their key alone, so that the way to the root must
    /// come from elsewhere; nothing is trusted for being here.
    public let intermediates: [Certificate]

    /// These roots, and authorities that lead to them.
    public init(roots: [PinnedAnchor], intermediates: [Certificate] = []) {
        self.roots = roots
        self.intermediates = intermediates
    }

    /// The roots of the clouds whose virtual TPMs have certified keys: Microsoft Azure and Google Compute Engine, old and
    /// new.
    ///
    /// They come with the program, and each root must have the fingerprint that is written here, or it is not trusted.
    public static let clouds = TPMTrustAnchors(
        roots: [
            root(
                "Azure Virtual TPM Root Certificate Authority 2023", PackageResources.tpm_azure_root_2023_der,
                "e6c596b17f8ffefba5c300f714cfb1260c6028704ecf7becc4ab5018efb00e95"),
            root(
                "Google EK/AK CA Root", PackageResources.tpm_google_root_2022_der,
                "594759594b9b61524f6c8ef668f7177f7b9066bc0674f2f49fe9e052be78beb2"),
            root(
                "Google tpm_ek_v1_cloud_host_root", PackageResources.tpm_google_root_2018_der,
                "9bd5285f8fb18502a7947e621ffd470266f49fcd3b73e19a190f690ad32a7caf"),
        ].compactMap(\.self),
        intermediates: [
            PackageResources.tpm_azure_ca_01_der, PackageResources.tpm_azure_ca_03_der,
            PackageResources.tpm_google_ca_2020_der, PackageResources.tpm_google_ca_2021_der,
            PackageResources.tpm_google_ca_2022_der,
        ].compactMap { try? Certificate(der: $0) })

    private static func root(_ name: String, _ der: [UInt8], _ fingerprint: String) -> PinnedAnchor? {
        guard let certificate = try? Certificate(der: der) else { return nil }
        return try? PinnedAnchor(name: name, certificate: certificate, fingerprint: fingerprint)
    }
}
