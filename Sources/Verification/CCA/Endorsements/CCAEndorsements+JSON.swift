public import Encodings
import X509Trust

/// The two files that Trustee's local verifier reads.
extension CCAEndorsements {
    private static let maximumEntries = 100_000

    /// Reads a store of trust anchors: a list of `{"pkey": JWK, "implementation-id": hex, "instance-id": hex}`.
    ///
    /// Throws `malformed_endorsements`.
    public init(trustAnchors value: JSONValue) throws(CCAEndorsementError) {
        guard let items = value.arrayValue, items.count <= Self.maximumEntries else {
            throw .malformed("The store of trust anchors is no list of keys.")
        }
        var anchors: [TrustAnchor] = []
        for item in items {
            guard let key = item["pkey"]?.objectValue else { throw .malformed("A trust anchor has no key (pkey).") }
            anchors.append(
                TrustAnchor(
                    implementationID: try Self.bytes(item, "implementation-id", [32]),
                    instanceID: try Self.bytes(item, "instance-id", [33]), key: try Self.key(key)))
        }
        self.init(anchors: anchors)
    }

    /// Reads a store of reference values: `{"platform": [{"implementation-id", "sw-components": [{"component-type",
    /// "measurement-value", "signer-id", "version"}], "platform-configuration"}]}`, bytes in hexadecimal digits. Each item
    /// of the list is a release of its own. What it says of realms is left to policies.
    ///
    /// Throws `malformed_endorsements`.
    public init(referenceValues value: JSONValue) throws(CCAEndorsementError) {
        guard let items = value["platform"]?.arrayValue, items.count <= Self.maximumEntries else {
            throw .malformed("The store of reference values has no list of platforms.")
        }
        var releases: [Release] = []
        for item in items {
            guard let parts = item["sw-components"]?.arrayValue, !parts.isEmpty else {
                throw .malformed("A platform of the store of reference values has no sw-components.")
            }
            var components: [Component] = []
            for part in parts { components.append(try Self.component(part)) }
            let configuration = try Self.optionalBytes(item, "platform-configuration")
            releases.append(
                Release(
                    implementationID: try Self.bytes(item, "implementation-id", [32]), components: components,
                    configurations: configuration.map { [$0] } ?? []))
        }
        self.init(releases: releases)
    }

    private static func component(_ value: JSONValue) throws(CCAEndorsementError) -> Component {
        Component(
            type: try text(value, "component-type"), version: try text(value, "version"),
            signerID: try bytes(value, "signer-id", CCAClaimReader.digestSizes),
            measurements: [try bytes(value, "measurement-value", CCAClaimReader.digestSizes)])
    }

    private static func text(_ value: JSONValue, _ name: String) throws(CCAEndorsementError) -> String? {
        guard let member = value[name], !member.isNull else { return nil }
        guard let text = member.stringValue, !text.isEmpty else { throw .malformed("\(name) is no text.") }
        return text
    }

    private static func bytes(
        _ value: JSONValue, _ name: String, _ sizes: Set<Int>
    ) throws(CCAEndorsementError) -> [UInt8] {
        guard let bytes = try optionalBytes(value, name), sizes.contains(bytes.count) else {
            throw .malformed("\(name) is missing or has a size that it must not have.")
        }
        return bytes
    }

    private static func optionalBytes(_ value: JSONValue, _ name: String) throws(CCAEndorsementError) -> [UInt8]? {
        guard let member = value[name], !member.isNull else { return nil }
        guard let bytes = member.stringValue.flatMap({ try? Hex.decode($0) }), !bytes.isEmpty else {
            throw .malformed("\(name) is not written in hexadecimal digits.")
        }
        return bytes
    }

    private static func key(_ jwk: JSONObject) throws(CCAEndorsementError) -> PublicKey {
        let curves: [(String, PublicKey.Curve)] = [("P-256", .p256), ("P-384", .p384), ("P-521", .p521)]
        guard jwk["kty"] == "EC", let curve = curves.first(where: { jwk["crv"] == .string($0.0) })?.1,
            let x = coordinate(jwk["x"], curve), let y = coordinate(jwk["y"], curve),
            let key = try? PublicKey.ec(curve, x963: [4] + x + y)
        else { throw .malformed("The key of a trust anchor is no EC key in the form of a JWK.") }
        // Whoever can read the store could sign for the machine.
        guard jwk["d"] == nil else { throw .malformed("The key of a trust anchor holds its private half.") }
        return key
    }

    private static func coordinate(_ value: JSONValue?, _ curve: PublicKey.Curve) -> [UInt8]? {
        guard let bytes = value?.stringValue.flatMap({ try? Base64.decodeURL($0) }),
            bytes.count == curve.coordinateByteCount
        else { return nil }
        return bytes
    }
}
