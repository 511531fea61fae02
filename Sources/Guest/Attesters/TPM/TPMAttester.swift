public import Encodings
public import RATS

/// Collects the quotes of a TPM 2.0 that is in no confidential VM.
///
/// The evidence is the reference's, `tpm_quote` and `ak_public`, with members beside it that our verifier makes use of
/// and others pass over: `ak_public_area`, `ak_certificates` and `eventlog`.
public struct TPMAttester: Attester {
    /// Always ``RATS/TEE/tpm``.
    public let tee = TEE.tpm

    /// Where guests of Confidential Containers keep the attestation key.
    public static let usualKey: UInt32 = 0x8101_0002
    /// Where clouds keep the certificates of attestation keys: two of Google's, for RSA and ECC, and Microsoft's.
    private static let certificates: [UInt32] = [0x01C1_0000, 0x01C1_0002, 0x01C1_01D0]
    private static let maximumCertificateBytes = 4096
    /// The reference's verifiers expect no more; a digest that is longer is cut.
    private static let nonceBytes = 32
    private static let attempts = 3

    private let device: TPMDevice
    private let key: UInt32
    private let eventLog: any EventLogSource

    /// An attester with the key at a persistent handle.
    ///
    /// - Parameter eventLog: what is sent as event log.
    public init(_ device: TPMDevice, key: UInt32 = usualKey, eventLog: any EventLogSource = NoEventLog()) {
        self.device = device
        self.key = key
        self.eventLog = eventLog
    }

    /// Reads the handle of a key, in hexadecimal with or without `0x`, as in `AA_TPM_AK_HANDLE`.
    ///
    /// - Throws: `GuestError` with `invalid_request` unless it is the handle of a persistent object.
    public static func key(_ text: String) throws(GuestError) -> UInt32 {
        let digits = text.hasPrefix("0x") ? text.dropFirst(2) : text[...]
        guard let handle = UInt32(digits, radix: 16), handle >> 24 == 0x81 else {
            throw GuestError(
                .invalidRequest, "The handle of the TPM's attestation key is like 0x81010002, not \(text.prefix(32)).")
        }
        return handle
    }

    /// Whether the TPM has the key.
    ///
    /// - Throws: `GuestError` with `evidence_failed` when the TPM does not say.
    public func isUsable() throws(GuestError) -> Bool {
        do throws(TPMError) {
            _ = try device.session { (tpm) throws(TPMError) in try tpm.publicArea(of: key) }
            return true
        } catch {
            guard error.isMissingHandle else { throw error.guestError }
            return false
        }
    }

    /// A quote over the registers of SHA-256, whose nonce are the first 32 bytes of the report data, filled up with zeros.
    public func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        let nonce = Array((reportData + [UInt8](repeating: 0, count: Self.nonceBytes)).prefix(Self.nonceBytes))
        return try await HardwareWork.run { () throws(GuestError) in try self.collect(nonce) }
    }

    private func collect(_ nonce: [UInt8]) throws(GuestError) -> JSONValue {
        var log = try eventLog.bytes()
        for _ in 0..<Self.attempts {
            let collected: Collected
            do throws(TPMError) {
                collected = try device.session { (tpm) throws(TPMError) in
                    try Self.collect(tpm, key: key, nonce: nonce)
                }
            } catch {
                throw error.guestError
            }
            // An event that is measured in between is in the log or in the quote, but not in both.
            let after = try eventLog.bytes()
            if after == log { return .object(collected.evidence(log)) }
            log = after
        }
        throw GuestError(
            .evidence, "Events were measured each time while a quote was made; try again when that is over.")
    }

    private struct Collected: Sendable {
        let area: TPMKeyArea
        let certificate: [UInt8]?
        let quote: TPMQuoteAnswer

        func evidence(_ log: [UInt8]?) -> JSONObject {
            var evidence: JSONObject = [
                "tpm_quote": [
                    "signature": .string(Base64.encode(quote.signature)),
                    "message": .string(Base64.encode(quote.message)),
                    "pcrs": .array(quote.registers.map { .string(Hex.encode($0)) }),
                ],
                "ak_public": .string(Base64.encode(area.subjectPublicKeyInfo)),
                "ak_public_area": .string(Base64.encode(area.bytes)),
            ]
            if let certificate { evidence["ak_certificates"] = [.string(Base64.encode(certificate))] }
            if let log { evidence["eventlog"] = .string(Base64.encode(log)) }
            return evidence
        }
    }

    private static func collect(_ tpm: TPM, key: UInt32, nonce: [UInt8]) throws(TPMError) -> Collected {
        let area: TPMKeyArea
        do throws(TPMError) {
            area = try tpm.publicArea(of: key)
        } catch {
            guard error.isMissingHandle else { throw error }
            throw .unavailable(
                "The TPM has no attestation key at 0x\(String(key, radix: 16)). Make one with tpm2_createak and "
                    + "tpm2_evictcontrol, or name another with AA_TPM_AK_HANDLE.")
        }
        return Collected(
            area: area, certificate: try certificate(of: area, tpm),
            quote: try tpm.quote(key: key, area: area, nonce: nonce))
    }

    /// The certificate that names this key, where the TPM keeps one.
    private static func certificate(of area: TPMKeyArea, _ tpm: TPM) throws(TPMError) -> [UInt8]? {
        for handle in certificates {
            guard let index = try tpm.index(handle), index.size <= maximumCertificateBytes,
                let content = try? tpm.read(index), let certificate = Self.element(content),
                certificate.contains(area.subjectPublicKeyInfo)
            else { continue }
            return certificate
        }
        return nil
    }

    /// The ASN.1 structure that an index begins with, without the unused room behind it.
    static func element(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count > 4, bytes[0] == 0x30, bytes[1] == 0x82 else { return nil }
        let end = 4 + (Int(bytes[2]) << 8 | Int(bytes[3]))
        return end <= bytes.count ? Array(bytes[..<end]) : nil
    }
}
