import Broker
import Foundation
import JOSE
import Policy

/// Somebody who signs policy bundles, with the public key in a file for as long as this lives.
final class PolicySigner: Sendable {
    let key: SigningKey
    let file: URL

    init(_ algorithm: SignatureAlgorithm = .es256) throws {
        key = try SigningKey.generate(algorithm)
        file = FileManager.default.temporaryDirectory.appending(path: "claviger-signer-\(UUID().uuidString).pem")
        try Data(key.publicPEM.utf8).write(to: file)
    }

    deinit { try? FileManager.default.removeItem(at: file) }

    /// The text of a signed bundle of these documents.
    func bundle(_ yaml: String..., serial: Int64, name: String = "production") throws -> String {
        let documents = try yaml.flatMap { try PolicyParser.parse($0, source: "test") }
        let content = try PolicyBundleContent(name: name, serial: serial, documents: documents)
        return String(decoding: try SignedPolicyBundle(signing: content, with: key).serialized(), as: UTF8.self)
    }

    /// The bundle with this signer's signature too.
    func cosign(_ bundle: String) throws -> String {
        let signed = try SignedPolicyBundle(parsing: Array(bundle.utf8)).signed(with: key)
        return String(decoding: signed.serialized(), as: UTF8.self)
    }

    /// Makes a broker demand signatures of these signers.
    static func require(_ signers: PolicySigner..., threshold: Int = 1) -> (inout BrokerConfiguration) -> Void {
        { configuration in
            configuration.policies.signatures.required = true
            configuration.policies.signatures.keyFiles = signers.map(\.file.path)
            configuration.policies.signatures.threshold = threshold
        }
    }
}
