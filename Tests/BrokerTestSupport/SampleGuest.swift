import Encodings
import JOSE
import KBSProtocol

/// A guest with a TEE key of its own that makes sample evidence, in the shape of KBS protocol 0.4.0.
public struct SampleGuest: Sendable {
    /// The TEE key.
    public let key: JWEPrivateKey

    /// A guest with a fresh key.
    public init(_ kind: JWEPrivateKey.Kind = .ecP256) throws { key = try JWEPrivateKey.generate(kind) }

    /// The body of `/auth`.
    public static func authBody(version: String = "0.4.0", tee: String = "sample") -> [UInt8] {
        Array(#"{"version":"\#(version)","tee":"\#(tee)","extra-params":""}"#.utf8)
    }

    /// What binds evidence to this guest's key.
    public func reportData(nonce: String, additionalEvidence: String? = "", key other: JSONObject? = nil) throws
        -> String
    {
        Base64.encode(
            try ReportData.digest(
                nonce: nonce, teeKey: other ?? key.publicJWK, additionalEvidence: additionalEvidence))
    }

    /// The body of `/attest`, with sample evidence and, on request, a sample device and init-data.
    public func attestation(
        nonce: String, svn: String = "1", deviceSVN: String? = nil, initData: String? = nil,
        reportData: String? = nil
    ) throws -> [UInt8] {
        var additional = ""
        if let deviceSVN {
            let bound = try self.reportData(nonce: nonce, additionalEvidence: nil)
            additional = JSONValue.object([
                "sampledevice": .object(["svn": .string(deviceSVN), "report_data": .string(bound)])
            ]).serializedString()
        }
        let bound = try reportData ?? self.reportData(nonce: nonce, additionalEvidence: additional)
        return AttestationBody(
            nonce: nonce, teeKey: key.publicJWK,
            primaryEvidence: ["svn": .string(svn), "report_data": .string(bound)], additionalEvidence: additional,
            initData: initData
        ).serialized()
    }
}
