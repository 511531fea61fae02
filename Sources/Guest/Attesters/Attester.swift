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

    /// What ``evidence(reportData:)`` is to be given in an attestation: the digest itself, except where the verifier's
    /// nonce is a request of its own.
    ///
    /// - Parameters:
    ///   - digest: covers the session's nonce, key and device evidence.
    ///   - nonce: the challenge's nonce.
    /// - Throws: `GuestError` with `invalid_request` when the nonce is not what this TEE needs.
    func boundData(digest: [UInt8], nonce: String) throws(GuestError) -> [UInt8]

    /// Evidence of attached devices over `reportData`: JSON text of an object by TEE name, or the empty string.
    ///
    /// - Throws: `GuestError` with `evidence_failed` when any device fails.
    func additionalEvidence(reportData: [UInt8]) async throws(GuestError) -> String
}

extension Attester {
    /// No devices.
    public var additionalTEEs: [TEE] { [] }

    /// The digest.
    public func boundData(digest: [UInt8], nonce: String) throws(GuestError) -> [UInt8] { digest }

    /// No devices.
    public func additionalEvidence(reportData: [UInt8]) async throws(GuestError) -> String { "" }
}
