import Encodings
import FoundationEssentials
import Policy
import Storage
import Verification

/// The `ReferenceValues` document that holds everything that one signer's manifests say, with how far each manifest has come.
///
/// It is a document like any other: sealed, in the history, and read by whoever decides. Which manifests it was made from
/// stands in an annotation.
struct SignedReferenceDocument {
    /// How far a manifest has come.
    struct Mark {
        let version: Int64
        let digest: String
        let json: JSONObject

        init(_ json: JSONObject) {
            self.json = json
            version = json["version"]?.intValue ?? 0
            digest = json["digest"]?.stringValue ?? ""
        }
    }

    private static let annotation = "claviger.dev/manifests"

    let signer: ReferenceSigner
    private(set) var marks: [String: Mark] = [:]
    private var entries: [JSONObject] = []

    /// Names the document of a signer.
    static func key(_ signer: ReferenceSigner) -> PolicyKey {
        PolicyKey(kind: PolicyKind.referenceValues.rawValue, namespace: signer.namespace, name: "signed-\(signer.name)")
    }

    /// What the documents of a signer are stored as coming from.
    static func origin(_ signer: ReferenceSigner) -> String { "signer/\(signer.name)" }

    /// What stands in the document that is there.
    ///
    /// - Parameters:
    ///   - document: The document; nil when there is none.
    ///   - former: Texts that it ever had: a manifest that was removed may not come again in an older version.
    init(_ signer: ReferenceSigner, _ document: PolicyDocument?, former: [PolicyDocument]) {
        self.signer = signer
        for document in former { note(document) }
        guard let document else { return }
        note(document)
        entries = (document.content["spec"]?["values"]?.arrayValue ?? []).compactMap(\.objectValue)
    }

    private mutating func note(_ document: PolicyDocument) {
        for (id, mark) in Self.manifests(of: document) where (marks[id]?.version ?? -1) <= mark.version {
            marks[id] = mark
        }
    }

    /// The manifests that a document was made from, by their names.
    static func manifests(of document: PolicyDocument) -> [(id: String, mark: Mark)] {
        guard let text = document.content["metadata"]?["annotations"]?[annotation]?.stringValue,
            let object = try? JSONObject(parsing: text)
        else { return [] }
        return object.compactMap { id, value in value.objectValue.map { (id, Mark($0)) } }
    }

    /// Puts the values of a manifest in place of those that an earlier version of it had.
    ///
    /// Returns whether that is a change. Throws `conflict` (code `manifest_downgrade`) for a manifest that does not come after
    /// the one that is there.
    mutating func take(_ grant: ReferenceGrant, at now: Date, by author: String) throws(BrokerError) -> Bool {
        let manifest = grant.manifest
        let before = marks[manifest.id]
        if let before {
            let isSame = before.version == manifest.version && before.digest == manifest.digest
            guard isSame || before.version < manifest.version else {
                throw BrokerError(
                    kind: .conflict, variant: "ReferenceManifest", code: "manifest_downgrade",
                    message:
                        "The manifest is refused (code: manifest_downgrade): '\(manifest.id)' has the version \(manifest.version), and \(before.version) was imported already"
                )
            }
            if isSame, entries.contains(where: { Self.digest(of: $0) == manifest.digest }) { return false }
        }
        entries = entries.compactMap { entry in
            guard !hasEnded(entry, at: now) else { return nil }
            return before.map { Self.digest(of: entry) == $0.digest } ?? false ? superseded(entry, at: now) : entry
        }
        entries += grant.values.map { entry($0.name, $0.value, grant) }
        marks[manifest.id] = Mark([
            "version": .int(manifest.version), "digest": .string(manifest.digest),
            "format": .string(manifest.format.rawValue), "signedBy": .string(manifest.signedBy),
            "signedAt": .optional(manifest.signedAt?.rfc3339), "validUntil": .string(grant.end.rfc3339),
            "importedAt": .string(now.rfc3339), "importedBy": .string(author),
            "names": .array(grant.values.map { .string($0.name) }),
        ])
        return true
    }

    /// The document's text.
    var text: String {
        let manifests = JSONObject(marks.sorted { $0.key < $1.key }.map { ($0.key, .object($0.value.json)) })
        var metadata: JSONObject = ["name": .string(Self.key(signer).name)]
        metadata["namespace"] = signer.namespace.map { .string($0) }
        metadata["annotations"] = [Self.annotation: .string(JSONValue.object(manifests).serializedString())]
        return YAMLText.text([
            "apiVersion": .string(PolicyDocument.apiVersion), "kind": .string(PolicyKind.referenceValues.rawValue),
            "metadata": .object(metadata), "spec": ["values": .array(entries.map { .object($0) })],
        ])
    }

    private func entry(_ name: String, _ value: JSONValue, _ grant: ReferenceGrant) -> JSONObject {
        let manifest = grant.manifest
        var entry: JSONObject = ["name": .string(name)]
        entry[value.arrayValue == nil ? "value" : "values"] = value
        entry["state"] = "accepted"
        entry["validFrom"] = manifest.validFrom.map { .string($0.rfc3339) }
        entry["validUntil"] = .string(grant.end.rfc3339)
        entry["description"] = manifest.subject.map { .string($0) }
        var provenance: JSONObject = [
            "source": .string("\(manifest.format.rawValue) manifest \(manifest.id), version \(manifest.version)"),
            "digest": .string("sha256:\(manifest.digest)"),
        ]
        provenance["builtBy"] = manifest.builtBy.map { .string($0) }
        provenance["signedBy"] = .string("\(signer.name), \(manifest.signedBy)")
        provenance["date"] = manifest.signedAt.map { .string($0.rfc3339) }
        entry["provenance"] = .object(provenance)
        return entry
    }

    /// An entry of an earlier version: for some time still a deprecated one, when it is one of a list.
    private func superseded(_ entry: JSONObject, at now: Date) -> JSONObject? {
        guard signer.keepsSuperseded > .zero, entry["values"] != nil else { return nil }
        let last = now.addingTimeInterval(signer.keepsSuperseded.inSeconds)
        var kept = entry
        kept["state"] = "deprecated"
        kept["validUntil"] = .string(min(last, Self.end(of: entry) ?? last).rfc3339)
        return kept
    }

    private func hasEnded(_ entry: JSONObject, at now: Date) -> Bool { Self.end(of: entry).map { $0 <= now } ?? false }

    private static func end(of entry: JSONObject) -> Date? {
        (entry["validUntil"]?.stringValue).flatMap { try? Date($0, strategy: .iso8601) }
    }

    private static func digest(of entry: JSONObject) -> String? {
        (entry["provenance"]?["digest"]?.stringValue).map { String($0.dropFirst("sha256:".count)) }
    }
}
