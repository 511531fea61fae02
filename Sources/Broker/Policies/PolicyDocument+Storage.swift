import Encodings
import Policy
import Storage

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
    /// Everything about the document but its text.
    func summary() -> JSONObject {
        [
            "kind": .string(key.kind), "namespace": .optional(key.namespace), "name": .string(key.name),
            "digest": .string(digest), "origin": .string(origin), "generation": .int(generation),
            "updatedAt": .string(updatedAt.rfc3339), "updatedBy": .string(updatedBy),
        ]
    }
}
