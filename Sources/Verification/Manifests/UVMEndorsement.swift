import Encodings
import FoundationEssentials
import X509Trust

/// Microsoft's endorsement of the launch measurement of a utility VM on SEV-SNP.
///
/// Certificates that sign such documents live for a year, so they are judged at the time of signing, which the signed header
/// states. How old an endorsement may be is for whoever imports it to say.
struct UVMEndorsement {
    /// The value's name when it is not given another.
    static let valueName = "snp_launch_measurement"
    private static let maximumCertificates = 6
    private static let rules = CBORRules(maximumBytes: SignedManifest.maximumBytes)

    let content: ManifestContent

    private enum Header {
        static let contentType: CBORValue = 3
        static let certificates: CBORValue = 33
        static let issuer: CBORValue = "iss"
        static let feed: CBORValue = "feed"
        static let signingTime: CBORValue = "signingtime"
    }

    init(parsing bytes: [UInt8], signer: X509DID) throws(ManifestError) {
        let message: COSESign1
        do throws(COSEError) {
            message = try COSESign1(parsing: bytes, rules: Self.rules)
        } catch {
            throw .malformed("It is no signed COSE message. \(error.message)")
        }
        let header = message.protected
        guard header[Header.contentType]?.textValue == "application/json",
            let feed = header[Header.feed]?.textValue,
            let seconds = header[Header.signingTime]?.tagged(1)?.intValue, (0..<(1 << 40)).contains(seconds)
        else { throw .malformed("Its protected header lacks the content type, the feed or the time of signing.") }
        guard header[Header.issuer]?.textValue == signer.text else {
            throw .untrusted("It names another issuer than \(signer.text).")
        }
        let signedAt = Date(timeIntervalSince1970: TimeInterval(seconds))
        let key = try signer.key(of: Self.certificates(header), at: signedAt)
        guard key.isValidSignature(of: message) else {
            throw .untrusted("Its signature does not fit it and its signer's certificate.")
        }
        let (version, measurement) = try Self.claims(message.payload)
        var content = try ManifestContent(
            id: feed, version: version, signedBy: signer.text,
            values: [try ManifestValue(Self.valueName, [.string(measurement)])])
        content.signedAt = signedAt
        content.subject = "utility VM \(feed), guest SVN \(version)".printable
        self.content = content
    }

    private static func certificates(_ header: CBORMap) throws(ManifestError) -> [Certificate] {
        guard let list = header[Header.certificates]?.arrayValue, (2...maximumCertificates).contains(list.count) else {
            throw .malformed("Its protected header has no chain of 2 to \(maximumCertificates) certificates.")
        }
        var chain: [Certificate] = []
        for item in list {
            guard let der = item.bytesValue, let certificate = try? Certificate(der: der) else {
                throw .malformed("A certificate in its header cannot be read.")
            }
            chain.append(certificate)
        }
        return chain
    }

    /// The guest's security version, written as a text by some releases, and the measurement.
    private static func claims(_ payload: [UInt8]) throws(ManifestError) -> (Int64, String) {
        guard let object = try? JSONObject(parsing: payload), let svn = object["x-ms-sevsnpvm-guestsvn"],
            let version = svn.intValue ?? svn.stringValue.flatMap({ Int64($0) }), version >= 0,
            let text = object["x-ms-sevsnpvm-launchmeasurement"]?.stringValue,
            let bytes = try? Hex.decode(text.lowercased()), bytes.count == 48
        else { throw .malformed("Its payload has no security version or no launch measurement.") }
        return (version, Hex.encode(bytes))
    }
}
