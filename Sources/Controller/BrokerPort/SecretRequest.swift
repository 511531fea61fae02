import Encodings
import Kubernetes

/// What the broker is told of a `BrokeredSecret`.
struct SecretRequest: Sendable {
    let key: ObjectKey
    let uid: String
    let generation: Int64
    let fence: Int64
    /// The object's spec as it stands.
    let spec: JSONObject
    /// The value of the Secret that the spec refers to; nil for every other origin.
    let value: SecretBytes?
}

/// That a `BrokeredSecret` goes, and whether its resource goes with it: the broker keeps that in mind since it got the spec.
struct SecretRemoval: Sendable, Hashable {
    let key: ObjectKey
    let uid: String
    let fence: Int64
    let deletionPolicy: String?
}

/// What became of a `BrokeredSecret`. There is no value in it.
struct SecretAnswer: Sendable, Hashable {
    var uri: String?
    var currentVersion: Int64?
    /// A keyed digest of the value: tells whether it changed, and nothing else.
    var contentMAC: String?
    /// When the current version came to be (RFC 3339).
    var rotatedAt: String?
    /// When the next one is due (RFC 3339); nil when never.
    var nextRotation: String?
    /// Whether a policy can ever release it; nil when that is not known.
    var isPolicyAttached: Bool?

    init() {}

    init(json: JSONValue) {
        uri = json["uri"]?.stringValue
        currentVersion = json["currentVersion"]?.intValue
        contentMAC = json["contentMAC"]?.stringValue
        rotatedAt = json["rotatedAt"]?.stringValue
        nextRotation = json["nextRotation"]?.stringValue
        isPolicyAttached = json["policyAttached"]?.boolValue
    }
}
