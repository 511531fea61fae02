import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

/// Recorded tokens of emulators, and the endorsements that belong to them.
enum CCAVectors {
    /// Within the period of the recorded manifests.
    static let then = Date(timeIntervalSince1970: 1_700_000_000)

    static let good = [
        "example-trustee", "rust-ccatoken-01", "rust-ccatoken-ffm-new-profile", "veraison-es256-new-profile",
    ]

    static func token(_ id: String) throws -> [UInt8] { try Vectors.bytes("cca/\(id)/token.cbor") }

    static func entry(_ id: String) throws -> JSONValue {
        let entries = try #require(Vectors.json("cca/manifest.json").arrayValue)
        return try #require(entries.first { $0["id"]?.stringValue == id })
    }

    static func evidence(_ token: [UInt8]) -> Evidence {
        Evidence(tee: .cca, content: ["token": .string(Base64.encode(token))])
    }

    /// The trust anchors and reference values of the recorded stores and manifests.
    static func endorsements() throws -> CCAEndorsements {
        var all = try CCAEndorsements(trustAnchors: Vectors.json("cca/keys/tastore.json"))
        all.merge(try CCAEndorsements(referenceValues: Vectors.json("cca/keys/rvstore.json")))
        all.merge(try CCAEndorsements(unsignedManifest: Vectors.bytes("cca/corim/cca-endorsements.cbor")))
        return all
    }

    static func options(endorsedFirmware: Bool = true) throws -> CCAVerifier.Options {
        var options = CCAVerifier.Options(endorsements: try endorsements())
        options.requiresEndorsedFirmware = endorsedFirmware
        return options
    }

    static func binding(_ id: String) throws -> EvidenceBinding {
        EvidenceBinding(reportData: [try Hex.decode(#require(entry(id)["claims"]?["challenge"]?.stringValue))])
    }
}

extension CCAVerifier {
    /// The code with which evidence is refused; `nil` when it is believed.
    func refusal(_ evidence: Evidence, _ binding: EvidenceBinding, at date: Date = CCAVectors.then) async -> String? {
        do throws(VerificationError) {
            _ = try await verify(evidence, binding: binding, context: VerificationContext(clock: .fixed(date)))
            return nil
        } catch {
            return error.code
        }
    }
}
