import Crypto
import Encodings
import FoundationEssentials
import Policy
import Storage

/// What the broker notes about a brokered secret; it lies sealed in the database.
struct SecretState: Sendable {
    /// The object; empty when it is gone and only the serial is remembered.
    var uid = ""
    var generation: Int64 = 0
    /// Where the value came from: `generate`, `sealed` or `secretRef`.
    var origin = ""
    /// The digest of the name of the Secret and its key, when the value comes from there: another place is another origin.
    var reference = ""
    /// What is generated, when the broker makes the value.
    var generated: GeneratedSecret?
    /// The highest serial of a sealed value that was taken, and the digest of its text.
    var serial: Int64 = 0
    var sealedDigest = ""
    /// The version that was written last, when, and its content MAC (hex).
    var version: Int64 = 0
    var contentMAC = ""
    var rotatedAt: Int64 = 0
    /// The last version that somebody else wrote and that was taken over: none up to it is ever destroyed by the object.
    var foreignThrough: Int64 = 0
    /// When a rotation was given up because the resource was somebody else's.
    var attemptedAt: Int64 = 0
    var versionsKept = BrokeredSecretSpec.defaultVersions
    var deletionPolicy = BrokeredSecretSpec.DeletionPolicy.retain
    var adopts = false
    /// The key of the content MAC, 32 bytes.
    var macKey = SecretBytes.random(count: 32)

    /// When a rotation is due, in seconds since 1970.
    var nextRotation: Int64? {
        generated?.rotationInterval.map { max(rotatedAt, attemptedAt) + $0 }
    }

    /// What is left when the object is gone: nothing, unless a serial must never come back.
    var memory: SecretState? {
        guard serial > 0 else { return nil }
        var memory = SecretState()
        memory.serial = serial
        memory.sealedDigest = sealedDigest
        return memory
    }

    /// Tells whether a value is the one of a version. The version is part of it, and the key never leaves the broker: what
    /// is shown of it cannot be used to try out guesses. Only that a value is the one of before can be seen, by those who may
    /// write into the very Secret that it comes from.
    func mac(of value: SecretBytes, version: Int64, path: String) -> String {
        let key = macKey.withUnsafeBytes { SymmetricKey(data: $0) }
        var mac = HMAC<SHA256>(key: key)
        mac.update(data: Array("claviger content mac\n\(path)\n\(version)\n".utf8))
        value.withUnsafeBytes { mac.update(data: $0) }
        return Hex.encode(Array(mac.finalize()))
    }
}

extension SecretState {
    init(_ content: SecretBytes) throws(StorageError) {
        let damaged = StorageError(code: .corrupt, message: "what is remembered of a brokered secret cannot be read")
        guard let json = try? JSONObject(parsing: content.copyBytes()), let uid = json["uid"]?.stringValue,
            let generation = json["generation"]?.intValue, let origin = json["origin"]?.stringValue,
            let serial = json["serial"]?.intValue, let digest = json["sealedDigest"]?.stringValue,
            let version = json["version"]?.intValue, let mac = json["contentMAC"]?.stringValue,
            let rotatedAt = json["rotatedAt"]?.intValue, let attemptedAt = json["attemptedAt"]?.intValue,
            let kept = json["versionsKept"]?.intValue,
            let deletion = json["deletionPolicy"]?.stringValue.flatMap(BrokeredSecretSpec.DeletionPolicy.init),
            let adopts = json["adopts"]?.boolValue,
            let key = json["macKey"]?.stringValue.flatMap({ try? Base64.decode($0) })
        else { throw damaged }
        self.uid = uid
        self.generation = generation
        self.origin = origin
        self.serial = serial
        sealedDigest = digest
        self.version = version
        contentMAC = mac
        self.rotatedAt = rotatedAt
        self.attemptedAt = attemptedAt
        versionsKept = kept
        deletionPolicy = deletion
        self.adopts = adopts
        macKey = SecretBytes(key)
        // Rows of before these were noted have neither.
        reference = json["reference"]?.stringValue ?? ""
        foreignThrough = json["foreignThrough"]?.intValue ?? 0
        if let member = json["generated"]?.objectValue {
            guard let kind = member["kind"]?.stringValue.flatMap(GeneratedSecret.Kind.init),
                let length = member["length"]?.intValue
            else { throw damaged }
            generated = GeneratedSecret(
                kind: kind, length: length, rotationInterval: member["rotationInterval"]?.intValue)
        }
    }

    func serialized() -> SecretBytes {
        var json: JSONObject = [
            "uid": .string(uid), "generation": .int(generation), "origin": .string(origin), "serial": .int(serial),
            "sealedDigest": .string(sealedDigest), "version": .int(version), "contentMAC": .string(contentMAC),
            "rotatedAt": .int(rotatedAt), "attemptedAt": .int(attemptedAt), "versionsKept": .int(versionsKept),
            "deletionPolicy": .string(deletionPolicy.rawValue), "adopts": .bool(adopts),
            "macKey": .string(Base64.encode(macKey.copyBytes())), "reference": .string(reference),
            "foreignThrough": .int(foreignThrough),
        ]
        if let generated {
            var member: JSONObject = ["kind": .string(generated.kind.rawValue), "length": .int(generated.length)]
            member["rotationInterval"] = generated.rotationInterval.map { .int($0) }
            json["generated"] = .object(member)
        }
        var bytes = json.serialized()
        return SecretBytes(wiping: &bytes)
    }
}
