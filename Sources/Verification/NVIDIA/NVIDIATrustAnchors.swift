import X509Trust

extension PinnedAnchor {
    /// NVIDIA's root over the identities of its GPUs and switches.
    ///
    /// It comes with the program, and must have the fingerprint that is written here, or nothing is trusted.
    public static let nvidiaDevices: [PinnedAnchor] = anchor(
        "NVIDIA Device Identity CA", PackageResources.nvidia_device_root_pem,
        "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48")

    /// NVIDIA's root over the signers of reference integrity manifests.
    ///
    /// It comes with the program, and must have the fingerprint that is written here, or nothing is trusted.
    public static let nvidiaManifests: [PinnedAnchor] = anchor(
        "NVIDIA CoRIM signing Root CA", PackageResources.nvidia_manifest_root_pem,
        "12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1")

    private static func anchor(_ name: String, _ pem: [UInt8], _ fingerprint: String) -> [PinnedAnchor] {
        guard let certificate = try? Certificate(pem: String(decoding: pem, as: UTF8.self)),
            let anchor = try? PinnedAnchor(name: name, certificate: certificate, fingerprint: fingerprint)
        else { return [] }
        return [anchor]
    }
}
