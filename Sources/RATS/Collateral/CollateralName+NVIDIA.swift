import Encodings

extension CollateralName {
    /// A reference integrity manifest by NVIDIA's identifier, such as `NV_GPU_DRIVER_GH100_550.144.03`, XML; `nil` for what
    /// is no such identifier.
    public static func nvidiaManifest(_ identifier: String) -> CollateralName? {
        CollateralName("nvidia/rim/\(identifier.lowercased())")
    }

    /// The answer of NVIDIA's OCSP service about a certificate, DER, by the certificate's serial number, of which 32 bytes
    /// count; beside it stands the certificate itself with its issuers, the root last.
    public static func nvidiaOCSPResponse(_ serialNumber: [UInt8]) -> CollateralName {
        CollateralName(segments: "nvidia", "ocsp", Hex.encode(serialNumber.prefix(32)))
    }
}
