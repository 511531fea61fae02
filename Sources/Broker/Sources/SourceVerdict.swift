import Encodings
import Policy
import Storage

/// What is thought of one document of a source.
struct SourceVerdict: Sendable {
    /// Why a document is not taken.
    struct Refusal: Sendable {
        let code: String
        let message: String
        let diagnostics: [PolicyDiagnostic]
        /// Whether the source may not have the document at all, so that a former version of it goes, too.
        let isOfSource: Bool

        init(_ code: String, _ message: String, isOfSource: Bool = false) {
            self.code = code
            self.message = message
            self.isOfSource = isOfSource
            diagnostics = []
        }

        init(_ diagnostics: [PolicyDiagnostic]) {
            code = diagnostics.first?.code ?? "policy_invalid"
            message = diagnostics.first?.message ?? "The document is not valid."
            isOfSource = false
            self.diagnostics = diagnostics
        }
    }

    /// What the document is called, as far as it says.
    let name: PolicyDocumentName?
    let uid: String?
    let generation: Int64?
    /// The document, when it could be read.
    let document: PolicyDocument?
    var refusal: Refusal?

    /// The name that it is, or would be, stored under.
    var key: PolicyKey? {
        document?.key ?? name.map(PolicyKey.init)
    }

    /// The document, when it is taken.
    var accepted: PolicyDocument? { refusal == nil ? document : nil }

    /// The diagnostics as they are answered; a list of a thousand helps nobody.
    var diagnosticsJSON: [JSONValue] {
        (refusal?.diagnostics ?? []).prefix(16).map { diagnostic in
            [
                "severity": .string(diagnostic.severity.rawValue), "code": .string(diagnostic.code),
                "line": .int(Int64(diagnostic.line)), "column": .int(Int64(diagnostic.column)),
                "path": .string(diagnostic.path), "message": .string(diagnostic.message),
                "hint": .optional(diagnostic.hint),
            ]
        }
    }
}

/// Judges each document of a source by itself.
struct SourceJudge {
    let stored: PolicySnapshot
    let origin: String
    let uids: [PolicyKey: String]
    let rule: PolicySourceConfiguration?
    let requiresSignature: Bool
    /// Whether reference values need signatures of their own.
    let requiresSignedValues: Bool
    let known: KnownDocuments

    /// The verdicts in the order of the request.
    func verdicts(_ documents: [SourceDocument]) -> [SourceVerdict] {
        let rows = Dictionary(stored.policies.map { ($0.key, $0) }) { first, _ in first }
        let names = Dictionary(uids.map { ($0.value, $0.key) }) { first, _ in first }
        let called = documents.map { given in
            PolicyDocumentName(readingFrom: given.text) ?? given.uid.flatMap { names[$0] }.map(PolicyDocumentName.init)
        }
        let entries = zip(documents, called).map { given, name in
            SourceShares.Entry(
                namespace: name?.namespace, bytes: given.text.utf8.count,
                former: name.flatMap { rows[PolicyKey($0)] }.flatMap(bytesOfOwn))
        }
        let shares = SourceShares(entries, maximumBytesOfDocument: PolicyParser.maximumDocumentBytes)
        var verdicts = documents.indices.map { place in
            verdict(documents[place], called[place], rows, shares.refusal(of: entries[place]))
        }
        let given = Dictionary(grouping: verdicts.indices) { verdicts[$0].key }
        for (key, places) in given where key != nil && places.count > 1 {
            for place in places {
                verdicts[place].refusal = .init("duplicate_document", "Another object of the source has the same name.")
            }
        }
        return verdicts
    }

    /// The size of a row's text, when the source has the row.
    private func bytesOfOwn(_ row: StoredPolicy) -> Int? {
        stored.origin(of: row.key) == origin ? row.text.utf8.count : nil
    }

    private func verdict(
        _ given: SourceDocument, _ name: PolicyDocumentName?, _ rows: [PolicyKey: StoredPolicy],
        _ excess: SourceVerdict.Refusal?
    ) -> SourceVerdict {
        var document: PolicyDocument?
        var refusal = excess
        if excess == nil {
            do throws(PolicyError) {
                document = try read(given, name, rows)
            } catch {
                refusal = .init(error.diagnostics)
            }
        }
        var verdict = SourceVerdict(
            name: name, uid: given.uid, generation: given.generation, document: document, refusal: refusal)
        if let objection = objection(to: verdict) { verdict.refusal = objection }
        return verdict
    }

    private func read(
        _ given: SourceDocument, _ name: PolicyDocumentName?, _ rows: [PolicyKey: StoredPolicy]
    ) throws(PolicyError) -> PolicyDocument {
        if let row = name.flatMap({ rows[PolicyKey($0)] }), row.text.isSame(as: given.text),
            let document = known.document(row)
        {
            return document
        }
        let source = name.map { "\($0.kind)/\($0.namespace ?? "-")/\($0.name)" } ?? "document"
        let documents = try PolicyParser.parse(given.text, source: source)
        guard documents.count == 1, let document = documents.first else {
            throw PolicyError(diagnostics: [
                PolicyDiagnostic(
                    code: "several_documents", source: source, line: documents.last?.line ?? 1, column: 1, path: "",
                    message: "The text of one object holds \(documents.count) documents.")
            ])
        }
        return document
    }

    /// Why the source may not have such a document, be it right or not.
    private func objection(to verdict: SourceVerdict) -> SourceVerdict.Refusal? {
        if requiresSignature {
            return .init(
                "signature_required", "This broker takes policies and reference values only in signed bundles.")
        }
        if requiresSignedValues, verdict.document?.onlyRevokes == false {
            return .init(
                "signature_required", "This broker takes reference values only in signed manifests and bundles.")
        }
        guard let key = verdict.key else { return nil }
        if let rule, let kind = PolicyKind(rawValue: key.kind),
            let objection = rule.objection(kind: kind, namespace: key.namespace)
        {
            return .init(objection.code, "The source \(rule.name) \(objection.message).", isOfSource: true)
        }
        if let owner = stored.origin(of: key), owner != origin, owner != PolicyRepository.installed {
            return .init("owned_by", "A document of this name belongs to \(owner).")
        }
        return nil
    }
}

extension PolicyKey {
    fileprivate init(_ name: PolicyDocumentName) {
        self.init(kind: name.kind, namespace: name.namespace, name: name.name)
    }
}

extension PolicyDocumentName {
    fileprivate init(_ key: PolicyKey) {
        self.init(kind: key.kind, namespace: key.namespace, name: key.name)
    }
}

/// Documents that were read before, so that what did not change is not read again.
struct KnownDocuments {
    private let documents: [PolicyKey: PolicyDocument]

    /// What a bundle holds; nothing when rows may lie about their digests.
    init(_ bundle: PolicyBundle, isTrusted: Bool = true) {
        documents = isTrusted ? Dictionary(bundle.documents.map { ($0.key, $0) }) { first, _ in first } : [:]
    }

    /// The document that a row holds, when it is known by its digest and its text: neither says anything of the other.
    func document(_ row: StoredPolicy) -> PolicyDocument? {
        documents[row.key].flatMap { $0.digest == row.digest && $0.text.isSame(as: row.text) ? $0 : nil }
    }
}

extension String {
    /// Whether this is what was read from `text`: the very bytes, with a line's end behind them or not.
    fileprivate func isSame(as text: String) -> Bool {
        utf8.starts(with: text.utf8)
            && (utf8.count == text.utf8.count || utf8.dropFirst(text.utf8.count).elementsEqual([0x0A]))
    }
}
