import Crypto
public import Encodings
public import JOSE
public import RATS

/// What the owner of an ESM blob says that is in it: the digests in a blob are encrypted, and nobody but its machines can
/// compare them.
///
/// It is a JSON Web Signature (RFC 7515, compact) by the owner's key over `{"blob": hex, "machines": [hex], "digests": {…}}`:
/// SHA-256 of the blob, the fingerprints of the keys it has lockboxes for, and the SHA-512 digests with `kernel_size`.
public struct ESMStatement: Sendable, Hashable {
    /// SHA-256 of the blob.
    public let blob: [UInt8]
    /// The fingerprints of the machines' keys.
    public let machines: Set<[UInt8]>
    /// The digests as claims have them.
    public let digests: JSONObject

    /// The type that the signature's header states.
    public static let type = "claviger-esm"
    private static let maximumSize = 65_536
    private static let maximumMachines = 256
    private static let digestNames = ["rtas", "kernel", "initrd", "bootargs"]

    /// A statement about a blob.
    public init(blob: [UInt8], machines: Set<[UInt8]>, digests: JSONObject) {
        self.blob = Array(SHA256.hash(data: blob))
        self.machines = machines
        self.digests = digests
    }

    /// The statement with its owner's signature. Throws what signing throws.
    public func signed(with key: SigningKey) throws(JOSEError) -> String {
        let payload: JSONObject = [
            "blob": .string(Hex.encode(blob)),
            "machines": .array(machines.map(Hex.encode).sorted().map(JSONValue.string)),
            "digests": .object(digests),
        ]
        return try JWS.sign(
            header: ["typ": .string(Self.type)], payload: JSONValue.object(payload).serialized(), with: key)
    }

    /// The statement of one of these owners, and which owner it was.
    ///
    /// Throws `malformed_evidence`, and `signature_invalid` when none of them signed it.
    public static func verified(
        _ text: String, by owners: [VerificationKey]
    ) throws(VerificationError) -> (statement: ESMStatement, owner: [UInt8]) {
        guard let signed = try? JWS(compact: text, maximumLength: maximumSize),
            signed.header["typ"]?.stringValue == type
        else { throw .malformed("esm_statement is no signed statement about a blob.") }
        guard let owner = owners.first(where: { (try? signed.verify(with: $0)) != nil }) else {
            throw VerificationError(
                code: "signature_invalid",
                message: "None of the owners of blobs that are known here signed the statement.")
        }
        return (try ESMStatement(payload: signed.payload), fingerprint(of: owner))
    }

    /// What claims and revocations call an owner by: SHA-256 of the key's SubjectPublicKeyInfo.
    public static func fingerprint(of owner: VerificationKey) -> [UInt8] {
        Array(SHA256.hash(data: owner.subjectPublicKeyInfoDER))
    }

    /// Whether the statement is about this blob.
    public func isAbout(_ blob: [UInt8]) -> Bool { Array(SHA256.hash(data: blob)) == self.blob }

    private init(payload: [UInt8]) throws(VerificationError) {
        guard
            let content = try? JSONObject(
                parsing: payload, limits: JSONLimits(maximumBytes: Self.maximumSize, maximumDepth: 4)),
            content.count == 3, let blob = Self.bytes(content["blob"], 32), let list = content["machines"]?.arrayValue,
            (1...Self.maximumMachines).contains(list.count), let digests = content["digests"]?.objectValue
        else { throw .malformed("The statement about the blob lacks a member, or has another.") }
        var machines: Set<[UInt8]> = []
        for item in list {
            guard let machine = Self.bytes(item, 32) else { throw .malformed("The statement names no machine.") }
            machines.insert(machine)
        }
        guard digests.count == Self.digestNames.count + 1,
            Self.digestNames.allSatisfy({ Self.bytes(digests[$0], 64) != nil }),
            let size = digests["kernel_size"]?.uintValue, size <= UInt64(UInt32.max)
        else { throw .malformed("The statement has other digests than those of rtas, kernel, initrd and bootargs.") }
        self.blob = blob
        self.machines = machines
        self.digests = digests
    }

    private static func bytes(_ value: JSONValue?, _ count: Int) -> [UInt8]? {
        guard let text = value?.stringValue, let bytes = try? Hex.decode(text), bytes.count == count,
            text == text.lowercased()
        else { return nil }
        return bytes
    }
}
