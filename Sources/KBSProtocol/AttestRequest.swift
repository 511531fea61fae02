public import Encodings
public import RATS

/// The body of `POST /kbs/v0/attest` (`Attestation`), read by the rules of its session's protocol version.
public struct AttestRequest: Sendable {
    /// The key that the guest wants secrets sealed to: complete, base64url, a point repaired where a known defect of
    /// old guests broke it.
    public let teeKey: JSONObject
    /// Evidence for the guest itself.
    public let primary: Evidence
    /// Evidence for attached devices, in the order sent.
    public let devices: [Evidence]
    /// The init-data document, when one was sent.
    public let initData: InitData?
    /// The digests that primary evidence may be bound to, with the dialect that each one stands for.
    public let candidates: [ReportDataCandidate]
    /// The digest that device evidence must be bound to.
    public let deviceReportData: [UInt8]
    /// What the primary evidence covers, for policies and the token: `nonce`, `tee-pubkey` (normalised) and from
    /// 0.3.0 on `additional-evidence`.
    public let runtimeData: JSONObject
    /// What device evidence covers: `nonce` and `tee-pubkey` (normalised).
    public let deviceRuntimeData: JSONObject
    /// The protocol version of the session.
    public let version: ProtocolVersion

    /// Reads an attestation.
    ///
    /// Throws `mixed_shape` for a body in the form of another version, `nonce_mismatch`, `tee_key_refused`,
    /// `tee_not_allowed`, `binding_not_enabled`, `unknown_device`, `init_data_refused` and `malformed_message`.
    public init(parsing body: [UInt8], session: SessionParameters) throws(KBSProtocolError) {
        try session.version.requirePrimary(session.tee)
        let parts = try AttestationParts(JSONObject(message: body), session: session)
        if session.tee == .sev {
            try self.init(launch: parts, session: session)
        } else {
            try self.init(guest: parts, session: session)
        }
    }

    private init(guest parts: AttestationParts, session: SessionParameters) throws(KBSProtocolError) {
        let key = try TEEKey(parts.teeKey, version: session.version)
        version = session.version
        teeKey = key.normalised
        primary = Evidence(tee: session.tee, content: parts.primaryEvidence)
        devices = try Self.devices(in: parts.additionalEvidence ?? "", session: session)
        initData = try parts.initData.map { text throws(KBSProtocolError) in try InitData(toml: text) }
        candidates = try ReportDataCandidate.all(
            for: key, additionalEvidence: parts.additionalEvidence, session: session)
        deviceReportData = try ReportData.digest(
            nonce: session.nonce, teeKey: key.received, additionalEvidence: nil, hash: session.hash)
        runtimeData = ReportData.runtimeData(
            nonce: session.nonce, teeKey: key.normalised, additionalEvidence: parts.additionalEvidence)
        deviceRuntimeData = ReportData.runtimeData(
            nonce: session.nonce, teeKey: key.normalised, additionalEvidence: nil)
    }

    /// The proof of a launch. Its host sends a key because the form has a place for one; nothing binds that key to the guest,
    /// so that it counts for nothing, nor may there be anything else that would have to be bound.
    private init(launch parts: AttestationParts, session: SessionParameters) throws(KBSProtocolError) {
        guard parts.initData == nil else { throw .initDataRefused("Nothing in a launch could be bound to it.") }
        guard try Self.devices(in: parts.additionalEvidence ?? "", session: session).isEmpty else {
            throw KBSProtocolError(
                code: "unknown_device", message: "Devices cannot be bound to the launch of a guest.")
        }
        version = session.version
        teeKey = [:]
        primary = Evidence(tee: session.tee, content: parts.primaryEvidence)
        devices = []
        initData = nil
        let digest = try ReportData.digest(
            nonce: session.nonce, teeKey: [:], additionalEvidence: nil, hash: session.hash)
        candidates = [ReportDataCandidate(dialect: .launch, digest: digest)]
        deviceReportData = digest
        runtimeData = [:]
        deviceRuntimeData = [:]
    }

    /// The digests of ``candidates``.
    public var reportDataCandidates: [[UInt8]] { candidates.map(\.digest) }

    /// What the primary evidence must be bound to.
    public var binding: EvidenceBinding {
        EvidenceBinding(reportData: reportDataCandidates, initDataDigest: initData?.digest)
    }

    /// What device evidence must be bound to.
    public var deviceBinding: EvidenceBinding {
        EvidenceBinding(reportData: [deviceReportData])
    }

    /// The dialect that the attestation is in unless verified evidence says otherwise.
    public var dialect: String { candidates.first?.dialect.rawValue ?? "" }

    /// The dialect whose digest the verified evidence carried.
    ///
    /// `index` is ``RATS/EvidenceClaims/matchedReportData`` of the primary evidence.
    public func dialect(matching index: Int?) -> String {
        guard let index, candidates.indices.contains(index) else { return dialect }
        return candidates[index].dialect.rawValue
    }

    private static func devices(
        in text: String, session: SessionParameters
    ) throws(KBSProtocolError) -> [Evidence] {
        guard !text.isEmpty else { return [] }
        let object = try JSONObject(message: Array(text.utf8))
        var devices: [Evidence] = []
        for (name, content) in object {
            // A device of the primary's kind would make its claims look like the guest's own.
            guard let tee = TEE(wireName: name), session.version.deviceTEEs.contains(tee), tee != session.tee,
                !devices.contains(where: { $0.tee == tee })
            else {
                throw KBSProtocolError(
                    code: "unknown_device", message: "The additional evidence names a device that cannot be one.")
            }
            devices.append(Evidence(tee: tee, content: content))
        }
        return devices
    }
}

/// One digest that primary evidence may be bound to.
public struct ReportDataCandidate: Sendable, Hashable {
    /// What the digest covers.
    public enum Dialect: String, Sendable, Hashable {
        /// The concatenated texts of nonce, modulus and exponent.
        case concat
        /// A JSON document of nonce and key.
        case json2
        /// A JSON document of nonce, key and additional evidence.
        case json3
        /// The nonce alone, which keys of this session stand for: the launch of a SEV guest.
        case launch
    }

    /// What the digest covers.
    public let dialect: Dialect
    /// The unpadded digest.
    public let digest: [UInt8]

    /// The digests that a guest of this session may have used, computed over the key as received.
    static func all(
        for key: TEEKey, additionalEvidence: String?, session: SessionParameters
    ) throws(KBSProtocolError) -> [ReportDataCandidate] {
        let json = ReportDataCandidate(
            dialect: session.version < .v0_3_0 ? .json2 : .json3,
            digest: try ReportData.digest(
                nonce: session.nonce, teeKey: key.received, additionalEvidence: additionalEvidence,
                hash: session.hash))
        guard session.version == .v0_1_0 else { return [json] }
        guard session.concatenatedBinding else {
            if key.isUntyped {
                throw KBSProtocolError(
                    code: "binding_not_enabled", message: "Guests with keys without a type are not served here.")
            }
            return [json]
        }
        let concatenated = ReportDataCandidate(
            dialect: .concat,
            digest: ReportData.concatenated(
                nonce: session.nonce, modulus: key.received["n"]?.stringValue ?? "",
                exponent: key.received["e"]?.stringValue ?? "", hash: session.hash))
        return key.isUntyped ? [concatenated] : [json, concatenated]
    }
}
