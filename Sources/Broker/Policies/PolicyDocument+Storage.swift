import Encodings
import Policy
import Storage

extension PolicyKey {
    /// The name within a cluster, `-` for no namespace, as documents have it.
    var identifier: String { "\(kind)/\(namespace ?? "-")/\(name)" }
}

extension PolicyDocument {
    /// The name that the document is stored under.
    var key: PolicyKey { PolicyKey(kind: kind.rawValue, namespace: namespace, name: name) }

    /// The document as it is stored.
    var newPolicy: NewPolicy { NewPolicy(key: key, text: text, digest: digest) }
}

extension [PolicyDocument] {
    /// These documents, with those of the same names replaced and the others added.
    func replacing(with documents: [PolicyDocument]) -> [PolicyDocument] {
        let names = Set(documents.map(\.key))
        return filter { !names.contains($0.key) } + documents
    }
}

extension StoredPolicy {
    /// What the row says, without where it came from.
    var content: NewPolicy { NewPolicy(key: key, text: text, digest: digest) }

    /// The document that the row's text is.
    ///
    /// Throws ``PolicyLoadFailure``: `invalid` when it is none, `unauthentic` when it has another name or digest than the row
    /// says. Whoever looks at a row believes these, so they must not be of something else.
    func document() throws(PolicyLoadFailure) -> PolicyDocument {
        let documents: [PolicyDocument]
        do throws(PolicyError) {
            documents = try PolicyParser.parse(text, source: key.description)
        } catch {
            throw PolicyLoadFailure(.invalid, error.description)
        }
        guard documents.count == 1, let document = documents.first, document.key == key else {
            throw PolicyLoadFailure(.unauthentic, "\(key.description) holds another document.")
        }
        guard document.digest == digest else {
            throw PolicyLoadFailure(
                .unauthentic, "\(key.description) holds a document with the digest \(document.digest), not \(digest).")
        }
        return document
    }

    /// Everything about the document but its text.
    func summary() -> JSONObject {
        [
            "kind": .string(key.kind), "namespace": .optional(key.namespace), "name": .string(key.name),
            "digest": .string(digest), "origin": .string(origin), "generation": .int(generation),
            "updatedAt": .string(updatedAt.rfc3339), "updatedBy": .string(updatedBy),
        ]
    }
}
