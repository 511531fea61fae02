import Encodings
import FoundationEssentials
import KBSProtocol
import RATS

/// What the broker remembers about a challenge: nothing itself, the guest carries it sealed.
struct ChallengeState: Sendable, Hashable {
    let version: ProtocolVersion
    let tee: TEE
    let nonce: String
    /// What the verifier must know again when the evidence arrives.
    let verifierState: [UInt8]?
    let issuedAt: Date
    let expiresAt: Date

    init(
        version: ProtocolVersion, tee: TEE, nonce: String, verifierState: [UInt8]? = nil, issuedAt: Date,
        expiresAt: Date
    ) {
        self.version = version
        self.tee = tee
        self.nonce = nonce
        self.verifierState = verifierState
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }

    func serialized() -> [UInt8] {
        var state: JSONObject = [
            "v": .string(version.rawValue), "t": .string(tee.rawValue), "n": .string(nonce),
            "i": .int(issuedAt.wholeSeconds), "e": .int(expiresAt.wholeSeconds),
        ]
        if let verifierState { state["s"] = .string(Base64.encode(verifierState)) }
        return JSONValue.object(state).serialized()
    }

    init?(parsing bytes: [UInt8]) {
        guard let state = try? JSONObject(parsing: bytes),
            let version = state["v"]?.stringValue.flatMap(ProtocolVersion.init(rawValue:)),
            let tee = state["t"]?.stringValue.flatMap(TEE.init(rawValue:)),
            let nonce = state["n"]?.stringValue, let issued = state["i"]?.intValue, let expires = state["e"]?.intValue
        else { return nil }
        let verifierState = state["s"]?.stringValue.flatMap { try? Base64.decode($0) }
        guard (state["s"] == nil) == (verifierState == nil) else { return nil }
        self.init(
            version: version, tee: tee, nonce: nonce, verifierState: verifierState,
            issuedAt: Date(wholeSeconds: issued),
            expiresAt: Date(wholeSeconds: expires))
    }

    /// Whether the challenge may be answered now, on a clock that may differ by `tolerance` seconds from the clock of the
    /// replica that issued it.
    func isCurrent(at now: Date, tolerance: TimeInterval) -> Bool {
        now < expiresAt.addingTimeInterval(tolerance) && issuedAt < now.addingTimeInterval(max(tolerance, 1))
    }
}

/// A cookie that a client must send back.
public struct SessionCookieValue: Sendable {
    /// The cookie's value.
    public let value: String
    /// When the client may forget it.
    public let expiresAt: Date
}
