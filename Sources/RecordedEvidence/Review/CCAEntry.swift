import Encodings
import RATS
import Verification

/// Recorded tokens of Arm CCA realms.
struct CCAEntry {
    private let entry: EvidenceManifest.Entry
    private let folder: EvidenceFolder

    init(_ entry: EvidenceManifest.Entry, in folder: EvidenceFolder) {
        self.entry = entry
        self.folder = folder
    }

    func examination() throws(RecordedEvidenceError) -> EntryExamination {
        var forms = try folder.documents(entry, tee: .cca)
        if let file = entry.file("token.cbor") {
            let token = Base64.encode(try folder.bytes(file))
            forms.append(Evidence(tee: .cca, content: ["token": .string(token)]))
        }
        let endorsements = try endorsements()
        var lenient = CCAVerifier.Options(endorsements: endorsements)
        lenient.requiresEndorsedFirmware = false
        return EntryExamination(
            forms: forms, reportData: entry.claims["challenge"]?.hexBytes,
            careful: CCAVerifier(CCAVerifier.Options(endorsements: endorsements)), lenient: CCAVerifier(lenient),
            readings: Self.readings)
    }

    /// The stores beside the entry, and the key that the manifest says is the platform's.
    private func endorsements() throws(RecordedEvidenceError) -> CCAEndorsements {
        let keys = "\(entry.group)/keys"
        var all = CCAEndorsements()
        do throws(CCAEndorsementError) {
            if let store = try? json("\(keys)/tastore.json") { all.merge(try CCAEndorsements(trustAnchors: store)) }
            if let store = try? json("\(keys)/rvstore.json") { all.merge(try CCAEndorsements(referenceValues: store)) }
            if let anchor = platformAnchor { all.merge(try CCAEndorsements(trustAnchors: [anchor])) }
        } catch {
            throw .unreadable(keys, error.message)
        }
        return all
    }

    private var platformAnchor: JSONValue? {
        guard let file = entry.claims["platform_key"]?.stringValue, !file.isEmpty,
            var key = (try? json("\(entry.group)/\(file)"))?.objectValue,
            let implementation = entry.claims["impl_id"], let instance = entry.claims["inst_id"]
        else { return nil }
        // Test keys are published with their private half.
        key["d"] = nil
        return ["pkey": .object(key), "implementation-id": implementation, "instance-id": instance]
    }

    private func json(_ name: String) throws(RecordedEvidenceError) -> JSONValue {
        guard let value = try? JSONValue(parsing: folder.bytes(name)) else {
            throw .unreadable(name, "it is no JSON document.")
        }
        return value
    }

    private static let readings: [FactReading] = [
        bytes("challenge", "realm", "cca-realm-challenge"),
        bytes("personalization", "realm", "cca-realm-personalization-value"),
        bytes("rim", "realm", "cca-realm-initial-measurement"),
        FactReading("rem") { facts in
            facts.claims["realm"]?["cca-realm-extensible-measurements"]?.arrayValue.map {
                .array($0.map { hex($0) ?? .null })
            }
        },
        FactReading("realm_profile") { $0.claims["realm"]?["cca-realm-profile"] ?? .null },
        FactReading("platform_profile", claim: "platform", "cca-platform-profile"),
        bytes("impl_id", "platform", "cca-platform-implementation-id"),
        bytes("inst_id", "platform", "cca-platform-instance-id"),
        FactReading("lifecycle", claim: "platform", "cca-platform-lifecycle"),
        FactReading("sw_components") { facts in
            facts.claims["platform"]?["cca-platform-sw-components"]?.arrayValue.map { .int(Int64($0.count)) }
        },
    ]

    private static func bytes(_ name: String, _ part: String, _ claim: String) -> FactReading {
        FactReading(name) { hex($0.claims[part]?[claim]) }
    }

    /// Claims are in base64, manifests in hexadecimal digits.
    private static func hex(_ value: JSONValue?) -> JSONValue? {
        value?.stringValue.flatMap { try? Base64.decode($0) }.map { .string(Hex.encode($0)) }
    }
}
