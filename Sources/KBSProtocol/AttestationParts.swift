import Encodings
import RATS

/// The parts of an attestation body, taken apart by the shape of the session's version.
struct AttestationParts {
    let teeKey: JSONObject
    let primaryEvidence: JSONValue
    /// `nil` in versions without composite evidence.
    let additionalEvidence: String?
    /// The TOML text, when init-data was sent.
    let initData: String?

    init(_ body: JSONObject, session: SessionParameters) throws(KBSProtocolError) {
        if session.version >= .v0_4_0 {
            try self.init(runtimeDataShape: body, nonce: session.nonce)
        } else {
            try self.init(topLevelKeyShape: body, version: session.version, tee: session.tee)
        }
    }

    /// The shape of 0.4.0.
    private init(runtimeDataShape body: JSONObject, nonce: String) throws(KBSProtocolError) {
        guard body["tee-pubkey"] == nil else { throw .mixedShape }
        guard let runtimeData = body["runtime-data"]?.objectValue else { throw .mixedShape }
        guard let sentNonce = runtimeData["nonce"]?.stringValue else {
            throw .malformed("The runtime data has no nonce.")
        }
        guard constantTimeEqual(Array(sentNonce.utf8), Array(nonce.utf8)) else {
            throw KBSProtocolError(
                code: "nonce_mismatch", message: "The attestation answers a challenge of another session.")
        }
        guard let key = runtimeData["tee-pubkey"]?.objectValue else { throw .malformed("The runtime data has no key.") }
        teeKey = key
        (primaryEvidence, additionalEvidence) = try Self.composite(body["tee-evidence"])
        initData = try Self.initData(body["init-data"])
    }

    /// The shape before 0.4.0: exactly a key and evidence.
    private init(
        topLevelKeyShape body: JSONObject, version: ProtocolVersion, tee: TEE
    ) throws(KBSProtocolError) {
        guard Set(body.map(\.name)) == ["tee-pubkey", "tee-evidence"] else { throw .mixedShape }
        guard let key = body["tee-pubkey"]?.objectValue else { throw .malformed("The key is no object.") }
        teeKey = key
        initData = nil
        switch version {
        // Hosts of SEV guests send the measurement as a text in every version.
        case _ where tee == .sev && body["tee-evidence"]?.stringValue != nil, .v0_1_0:
            guard let text = body["tee-evidence"]?.stringValue else { throw .mixedShape }
            primaryEvidence = .object(try JSONObject(message: Array(text.utf8)))
            additionalEvidence = nil
        case .v0_1_1, .v0_2_0:
            guard let evidence = body["tee-evidence"]?.objectValue, evidence["primary_evidence"] == nil else {
                throw .mixedShape
            }
            primaryEvidence = .object(evidence)
            additionalEvidence = nil
        case .v0_3_0, .v0_4_0:
            (primaryEvidence, additionalEvidence) = try Self.composite(body["tee-evidence"])
        }
    }

    private static func composite(_ value: JSONValue?) throws(KBSProtocolError) -> (JSONValue, String) {
        guard let object = value?.objectValue, let primary = object["primary_evidence"],
            let additional = object["additional_evidence"]?.stringValue
        else { throw .mixedShape }
        return (primary, additional)
    }

    private static func initData(_ value: JSONValue?) throws(KBSProtocolError) -> String? {
        guard let value, value != .null else { return nil }
        guard let object = value.objectValue, let format = object["format"]?.stringValue,
            let body = object["body"]?.stringValue
        else { throw .initDataRefused("It needs a format and a body, both strings.") }
        guard format == "toml" else { throw .initDataRefused("Its format is not toml.") }
        return body
    }
}

extension KBSProtocolError {
    static let mixedShape = KBSProtocolError(
        code: "mixed_shape", message: "The attestation does not have the form of the session's protocol version.")

    static func initDataRefused(_ reason: String) -> KBSProtocolError {
        KBSProtocolError(code: "init_data_refused", message: "The init-data is refused. \(reason)")
    }
}
