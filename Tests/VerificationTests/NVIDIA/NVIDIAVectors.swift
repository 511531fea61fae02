import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

/// Recorded reports of real devices.
enum NVIDIAVectors {
    static func evidence(_ id: String) throws -> Evidence {
        Evidence(tee: .nvidia, content: try Vectors.json("nvidia/\(id)/evidence.json"))
    }

    static func entry(_ id: String) throws -> JSONValue {
        let entries = try #require(Vectors.json("nvidia/manifest.json").arrayValue)
        return try #require(entries.first { $0["id"]?.stringValue == id })
    }

    static func binding(_ id: String) throws -> EvidenceBinding {
        EvidenceBinding(reportData: [try Hex.decode(#require(entry(id)["claims"]?["nonce"]?.stringValue))])
    }

    static func date(_ id: String) throws -> Date {
        try Date(#require(entry(id)["verify_at"]?.stringValue), strategy: .iso8601)
    }

    static func device(_ id: String) throws -> NVIDIAEvidence.Device {
        try #require(NVIDIAEvidence(evidence(id).content).devices.first)
    }

    static func manifest(_ path: String) throws -> NVIDIAManifest {
        try NVIDIAManifest(parsing: Vectors.bytes("nvidia/\(path)"))
    }

    /// Settings under which signatures count and nothing is missed.
    static func options(_ change: (inout NVIDIAVerifier.Options) -> Void = { _ in }) -> NVIDIAVerifier.Options {
        var options = NVIDIAVerifier.Options()
        options.requiresManifests = false
        change(&options)
        return options
    }

    /// A list of one device, with members replaced.
    static func evidence(_ id: String, replacing members: JSONObject) throws -> Evidence {
        var device = try #require(evidence(id).content["device_evidence_list"]?.arrayValue?.first?.objectValue)
        for (name, value) in members { device[name] = value }
        return Evidence(tee: .nvidia, content: ["device_evidence_list": [.object(device)]])
    }
}

extension NVIDIAVerifier {
    /// The code with which evidence is refused; `nil` when it is believed.
    func refusal(_ evidence: Evidence, _ binding: EvidenceBinding, at date: Date) async -> String? {
        do throws(VerificationError) {
            _ = try await verify(evidence, binding: binding, context: VerificationContext(clock: .fixed(date)))
            return nil
        } catch {
            return error.code
        }
    }
}
