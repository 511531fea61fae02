import Glibc
public import RATS

/// Chooses the attester of this machine. The sample attester is never chosen unless it was asked for.
public enum AttesterDetection {
    /// Where the interfaces of each TEE are found, below the root folder.
    static let interfaces: [(tee: TEE, paths: [String])] = [
        (.tdx, ["/dev/tdx_guest"]),
        (.sgx, ["/dev/attestation/attestation_type"]),
        (.snp, ["/dev/sev-guest"]),
        (.csv, ["/dev/csv-guest"]),
        (.se, ["/sys/firmware/uv/prot_virt_guest"]),
        (.tpm, ["/dev/tpm0"]),
    ]

    /// The attester to use.
    ///
    /// - Parameters:
    ///   - allowSample: whether evidence without hardware was asked for.
    ///   - root: folder under which device paths are looked up; the tests' way to simulate machines.
    /// - Throws: `GuestError` with `no_tee`, naming the paths that are missing or the TEE that is not supported yet.
    public static func attester(allowSample: Bool, root: String = "") throws(GuestError) -> any Attester {
        if allowSample { return SampleAttester() }
        if let tee = detectedTEE(root: root) {
            throw GuestError(
                .noTEE, "This machine offers \(tee.rawValue), whose evidence this version cannot collect.")
        }
        let missing = interfaces.flatMap(\.paths).joined(separator: ", ")
        throw GuestError(
            .noTEE,
            "No TEE found: none of \(missing) exists here. Mount the TEE's device into the container; for development "
                + "without hardware start with --allow-sample.")
    }

    /// The first TEE with an interface on this machine.
    public static func detectedTEE(root: String = "") -> TEE? {
        interfaces.first { $0.paths.contains { access(root + $0, F_OK) == 0 } }?.tee
    }
}
