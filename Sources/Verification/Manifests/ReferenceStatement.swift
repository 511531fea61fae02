public import Encodings
public import FoundationEssentials
import X509Trust

/// An in-toto statement about reference values that is to be signed; ``SignedManifest`` reads the result.
public struct ReferenceStatement: Sendable {
    private let payload: [UInt8]

    /// A statement.
    ///
    /// - Parameters:
    ///   - name: What the manifest is called.
    ///   - version: A number above that of every older one of this name.
    ///   - issuedAt: When it is signed.
    ///   - validUntil: From when on its values count no longer.
    ///   - builtBy: Who or what built what the values were measured on.
    ///   - subject: What the values come from, with its SHA-256 (32 bytes).
    ///   - values: The values by their names; lists where any element will do.
    public init(
        name: String, version: Int64, issuedAt: Date, validUntil: Date?, builtBy: String?,
        subject: (name: String, digest: [UInt8]), values: [(name: String, value: JSONValue)]
    ) {
        var predicate: JSONObject = [
            "name": .string(name), "version": .int(version), "issuedAt": .string(issuedAt.formatted(.iso8601)),
        ]
        predicate["validUntil"] = validUntil.map { .string($0.formatted(.iso8601)) }
        predicate["builtBy"] = builtBy.map { .string($0) }
        predicate["values"] = .array(
            values.map { value in
                ["name": .string(value.name), value.value.arrayValue == nil ? "value" : "values": value.value]
            })
        let statement: JSONValue = [
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                ["name": .string(subject.name), "digest": ["sha256": .string(Hex.encode(subject.digest))]]
            ],
            "predicateType": .string(InTotoStatement.referenceValues), "predicate": .object(predicate),
        ]
        payload = statement.serialized()
    }

    /// The bytes that are signed, with SHA-256 by keys on P-256 and SHA-384 by keys on P-384.
    public var signingInput: [UInt8] { DSSEEnvelope.signingInput(payload) }

    /// The manifest.
    ///
    /// - Parameter signature: An ECDSA signature over ``signingInput``, r and s one after the other.
    public func envelope(signature: [UInt8]) -> [UInt8] {
        let half = signature.count / 2
        let sequence = DER.sequence(
            DER.integer(Array(signature.prefix(half))) + DER.integer(Array(signature.dropFirst(half))))
        let envelope: JSONValue = [
            "payloadType": .string(DSSEEnvelope.payloadType), "payload": .string(Base64.encode(payload)),
            "signatures": [["sig": .string(Base64.encode(sequence))]],
        ]
        return envelope.serialized()
    }
}
