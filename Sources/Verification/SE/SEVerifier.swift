import Encodings
import FoundationEssentials
public import RATS
import X509Trust

/// Believes evidence of IBM Secure Execution guests.
///
/// The machine signs nothing: it proves with a key, which the verifier made and sealed for that machine alone, that a guest
/// of a known image runs on it. There is no evidence from hardware in public, so what is believed here was proved on a
/// simulated ultravisor.
public struct SEVerifier: EvidenceVerifier {
    /// The kind `se`.
    public let tee: TEE = .se
    /// What is accepted.
    public let options: Options
    /// The documents, whose signatures were verified when the verifier was made: anybody may ask for a challenge, and must
    /// not have that done again.
    private let documents: [SEHostKeyDocument]

    /// A verifier that accepts what `options` let in. The signatures of certificates and lists are verified here.
    public init(_ options: Options) {
        self.options = options
        let trust = SEHostKeyTrust(
            anchors: options.anchors, authorities: options.authorities, lists: options.revocationLists,
            grace: options.revocationGrace)
        documents = options.hostKeys.prefix(Options.maximumHostKeys).map(trust.read)
    }

    /// A request for all machines whose host-key documents are good now, with a key and a nonce of its own.
    ///
    /// Agents look for it in place of the nonce. Throws why the last document is refused when none is good.
    public func challenge(
        extraParameters: JSONValue?, context: VerificationContext
    ) async throws(VerificationError) -> VerifierChallenge? {
        let hosts = try trustedHosts(at: context.clock.now())
        let secrets = SEAttestationRequest.Secrets.generate()
        let request = try SEAttestationRequest(for: hosts, secrets)
        let state = SEChallengeState(
            measurementKey: secrets.measurementKey, nonce: secrets.nonce, hostKeyHashes: hosts.map(\.hash))
        // Which of several images asks is not known yet.
        let tags =
            options.images.count == 1
            ? options.images[0].tags : [UInt8](repeating: 0, count: SEEvidence.tagsByteCount)
        let text: JSONValue = [
            "request_blob": .string(Base64.encode(request.block)),
            "measurement_size": .int(Int64(SEAttestationRequest.measurementSize)),
            "additional_size": .int(Int64(SEAttestationRequest.additionalSize)), "encr_measurement_key": "",
            "encr_request_nonce": "", "image_hdr_tags": .string(Base64.encode(tags)),
        ]
        return VerifierChallenge(nonce: text.serializedString(), state: state.bytes)
    }

    /// Verifies that a machine which the session's request was made for measured a guest of a known image, bound to the
    /// session.
    ///
    /// The user data must be the report data with zeros after it, up to 256 bytes; there is no place for an init-data
    /// digest. Throws a ``VerificationError`` whose code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try SEEvidence(evidence.content)
        let state = try SEChallengeState(context.challengeState)
        guard let index = binding.candidate(filling: presented.userData) else { throw .reportDataMismatch }
        let image = try image(of: presented, state)
        try requireKeys(presented, image, state, at: context.clock.now())
        if let allowed = options.configurationIDs, !allowed.contains(presented.configurationID) {
            throw VerificationError(
                code: "configuration_id_not_allowed", message: "Guests with this identifier are not let in.")
        }
        let steps: [VerificationStep] = [
            .passed("measurement", "HMAC-SHA-512 under the key of this session's request, of a known image"),
            .passed("report data", "this session's nonce and key are the guest's user data"),
            .passed("host keys", "image and request were opened by machines whose documents are good and not revoked"),
            .skipped(
                "init-data",
                binding.initDataDigest == nil
                    ? "the guest sent no document" : "nothing in the evidence vouches for the guest's document"),
        ]
        return [
            EvidenceClaims(
                tee: tee, claims: Self.claims(presented, image), matchedReportData: index, steps: steps)
        ]
    }

    /// The user data. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try SEEvidence(evidence.content).userData
    }

    private func trustedHosts(at date: Date) throws(VerificationError) -> [SEHostKey] {
        guard options.hostKeys.count == documents.count else {
            throw VerificationError(
                code: "host_key_not_trusted",
                message: "There are more than \(Options.maximumHostKeys) host-key documents for one request.")
        }
        var hosts: [SEHostKey] = []
        var refusal = VerificationError(
            code: "host_key_not_trusted", message: "No host-key document says which machines may run guests.")
        for document in documents {
            do throws(VerificationError) {
                hosts.append(try document.key(at: date))
            } catch {
                refusal = error
            }
        }
        guard !hosts.isEmpty else { throw refusal }
        return hosts
    }

    /// The image whose digests the measurement is over. What the guest passes back of them proves nothing, and must be what
    /// it was given all the same.
    private func image(
        of presented: SEEvidence, _ state: SEChallengeState
    ) throws(VerificationError) -> SEImageHeader {
        let isUnnamed = presented.imageTags.allSatisfy { $0 == 0 }
        let candidates = options.images.filter { isUnnamed || constantTimeEqual($0.tags, presented.imageTags) }
        guard !candidates.isEmpty else {
            throw VerificationError(
                code: "image_not_known", message: "The guest's image is none of those whose headers were brought in.")
        }
        let match = candidates.first { image in
            SEMeasurement(
                tags: image.tags, configurationID: presented.configurationID, userData: presented.userData,
                nonce: state.nonce, additionalData: presented.additionalData
            ).isValid(presented.measurement, key: state.measurementKey)
        }
        guard let match else {
            throw VerificationError(
                code: "measurement_invalid",
                message: "The measurement is not one of a known image under the key of this session's request.")
        }
        return match
    }

    private func requireKeys(
        _ presented: SEEvidence, _ image: SEImageHeader, _ state: SEChallengeState, at date: Date
    ) throws(VerificationError) {
        // Judged again: a document may have been revoked since the request was made.
        let trusted = Set(try trustedHosts(at: date).map(\.hash))
        guard state.hostKeyHashes.contains(presented.attestationKeyHash),
            trusted.contains(presented.attestationKeyHash)
        else {
            throw VerificationError(
                code: "host_key_not_trusted",
                message: "The request was opened with a host key that it was not made for.")
        }
        guard image.hostKeyHashes.contains(presented.imageKeyHash), trusted.contains(presented.imageKeyHash) else {
            throw VerificationError(
                code: "host_key_not_trusted",
                message: "The image was opened with a host key that it was not made for, or that is not trusted.")
        }
    }

    private static func claims(_ presented: SEEvidence, _ image: SEImageHeader) -> JSONObject {
        [
            "version": 256,
            "cuid": .string(Hex.encode(presented.configurationID)),
            "tag": .string(Hex.encode(image.tag)),
            "image_phkh": .string(Hex.encode(presented.imageKeyHash)),
            "attestation_phkh": .string(Hex.encode(presented.attestationKeyHash)),
            "report_data": .string(Hex.encode(presented.userData)),
        ]
    }
}
