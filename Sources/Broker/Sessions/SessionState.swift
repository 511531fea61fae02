import Encodings
import FoundationEssentials
import Policy
import RATS

/// What is known about an attested session: the claims of its token, and how its grades came about. It is stored sealed,
/// bound to the session's hash.
struct SessionState: Sendable {
    let attestation: AttestationResult
    /// The digest of the attestation's record in the ledger; sessions that an older program opened have none.
    let recordDigest: [UInt8]?
    private let traces: JSONValue
    /// What explanations should say about the reference values that the grades rest on.
    let notes: [String]
    /// The launch that secrets go to; only the session knows it, so that no token leads there.
    let launch: LaunchRecipient?

    init(
        attestation: AttestationResult, appraisals: [AppraisalTrace], recordDigest: [UInt8]? = nil,
        launch: LaunchRecipient? = nil
    ) {
        self.launch = launch
        self.attestation = attestation
        self.recordDigest = recordDigest
        traces = .array(appraisals.map { $0.json() })
        notes = appraisals.flatMap(\.notes)
    }

    func serialized() -> [UInt8] {
        var state: JSONObject = ["claims": .object(attestation.earClaims()), "appraisals": traces]
        if !notes.isEmpty { state["notes"] = .array(notes.map(JSONValue.string)) }
        state["record"] = recordDigest.map { .string(Hex.encode($0)) }
        if let launch {
            state["launch"] = [
                "tek": .string(Base64.encode(launch.encryptionKey.copyBytes())),
                "tik": .string(Base64.encode(launch.integrityKey.copyBytes())),
                "measure": .string(Base64.encode(launch.measure)),
            ]
        }
        return state.serialized()
    }

    init?(parsing bytes: [UInt8]) {
        guard let state = try? JSONObject(parsing: bytes), let claims = state["claims"]?.objectValue,
            let result = try? AttestationResult(earClaims: claims)
        else { return nil }
        attestation = result
        let launch = state["launch"].flatMap(Self.launch)
        guard (state["launch"] == nil) == (launch == nil) else { return nil }
        self.launch = launch
        recordDigest = state["record"]?.stringValue.flatMap { try? Hex.decode($0) }
        traces = state["appraisals"] ?? .array([])
        notes = (state["notes"]?.arrayValue ?? []).compactMap(\.stringValue)
    }

    private static func launch(_ value: JSONValue) -> LaunchRecipient? {
        func bytes(_ name: String, _ count: Int) -> [UInt8]? {
            value[name]?.stringValue.flatMap { try? Base64.decode($0) }.flatMap { $0.count == count ? $0 : nil }
        }
        guard let encryption = bytes("tek", 16), let integrity = bytes("tik", 16), let measure = bytes("measure", 32)
        else { return nil }
        return LaunchRecipient(
            encryptionKey: SecretBytes(encryption), integrityKey: SecretBytes(integrity), measure: measure)
    }

    /// How the grades came about; read only when a refusal has to be explained.
    func appraisals() -> [AppraisalTrace] {
        (traces.arrayValue ?? []).compactMap { try? AppraisalTrace(json: $0) }
    }
}
