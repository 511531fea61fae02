public import Encodings
public import RATS

/// Something that can prove what this guest is.
public protocol Attester: Sendable {
    /// The TEE whose evidence this attester collects.
    var tee: TEE { get }

    /// The TEEs of attached devices whose evidence this attester collects as well.
    var additionalTEEs: [TEE] { get }

    /// Evidence of the guest itself over `reportData`.
    ///
    /// - Parameter reportData: up to 64 bytes that the evidence must cover; padded as the TEE demands.
    /// - Throws: `GuestError` with `evidence_failed`.
    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue

    /// Evidence of attached devices over `reportData`: JSON text of an object by TEE name, or the empty string.
    ///
    /// - Throws: `GuestError` with `evidence_failed` when any device fails.
    func additionalEvidence(reportData: [UInt8]) async throws(GuestError) -> String
}

extension Attester {
    /// No devices.
    public var additionalTEEs: [TEE] { [] }

    /// No devices.
    public func additionalEvidence(reportData: [UInt8]) async throws(GuestError) -> String { "" }
}
