public import KBSProtocol

/// The registers of a TEE that software extends while the guest runs.
public protocol MeasurementRegisters: Sendable {
    /// The algorithm of the registers.
    var algorithm: HashAlgorithm { get }

    /// The register's number in event logs that stands for a TPM's register.
    ///
    /// - Throws: `GuestError` with `invalid_request` for a register that software cannot extend.
    func logIndex(ofPCR register: UInt64) throws(GuestError) -> UInt32

    /// The value of the register with this number in event logs.
    ///
    /// - Throws: `GuestError` with `system_failed` or `evidence_failed`.
    func value(at logIndex: UInt32) throws(GuestError) -> [UInt8]

    /// Adds a digest to the register with this number in event logs.
    ///
    /// - Throws: `GuestError` with `system_failed` or `evidence_failed`.
    func extend(at logIndex: UInt32, with digest: [UInt8]) throws(GuestError)
}

extension MeasurementRegisters {
    /// What a register becomes when it is extended.
    func extended(_ value: [UInt8], with digest: [UInt8]) -> [UInt8] { algorithm.digest(of: value + digest) }
}
