import Crypto
import Encodings
import FoundationEssentials
import RATS

/// A set of policies that belong together, checked, indexed and ready to decide; it never changes.
public struct PolicyBundle: Sendable {
    /// No policies: everything is denied.
    public static let empty = PolicyBundle()

    /// The documents, by identifier.
    public let documents: [PolicyDocument]
    /// SHA-256 in lowercase hex over all documents' digests and the registered reference values.
    public let digest: String

    let releases: [CompiledRelease]
    let releaseIndex: ReleaseIndex
    let allowsAnything: Bool
    let appraisals: [String: CompiledAppraisal]
    let references: ReferenceValueTable

    private init() {
        var none: [PolicyDiagnostic] = []
        documents = []
        digest = Self.digest([], ReferenceValues())
        releases = []
        releaseIndex = ReleaseIndex([])
        allowsAnything = false
        appraisals = [:]
        references = ReferenceValueTable([], registered: ReferenceValues(), errors: &none)
    }

    /// Compiles documents together with the reference values from the registration endpoint.
    ///
    /// Throws ``PolicyError`` when two documents have one identifier, or two reference values of one scope one name.
    public init(_ documents: [PolicyDocument], registered: ReferenceValues = ReferenceValues()) throws(PolicyError) {
        let sorted = documents.sorted { $0.identifier < $1.identifier }
        var errors = Self.duplicates(in: sorted)
        let references = ReferenceValueTable(sorted, registered: registered, errors: &errors)
        guard errors.isEmpty else { throw PolicyError(diagnostics: errors) }
        self.documents = sorted
        self.references = references
        digest = Self.digest(sorted, registered)
        releases = sorted.compactMap(CompiledRelease.init)
        releaseIndex = ReleaseIndex(releases.enumerated().map { ($0, $1.spec.match.resources) })
        allowsAnything = releases.contains { $0.spec.effect == .allow }
        let compiled = sorted.compactMap(CompiledAppraisal.init)
        appraisals = Dictionary(compiled.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The document with this identifier, such as `ReleasePolicy/payments/image-keys`.
    public func document(_ identifier: String) -> PolicyDocument? {
        documents.first { $0.identifier == identifier }
    }

    private static func duplicates(in sorted: [PolicyDocument]) -> [PolicyDiagnostic] {
        zip(sorted, sorted.dropFirst()).compactMap { first, second in
            guard first.identifier == second.identifier else { return nil }
            return PolicyDiagnostic(
                code: "duplicate_document", source: second.source, line: second.line, column: 1, path: "metadata.name",
                message: "\(second.identifier) is given twice; the other stands in \(first.source), line \(first.line)."
            )
        }
    }

    private static func digest(_ documents: [PolicyDocument], _ registered: ReferenceValues) -> String {
        var hash = SHA256()
        func add(_ text: String) {
            hash.update(data: Array("\(text.utf8.count):".utf8))
            hash.update(data: Array(text.utf8))
        }
        add(String(documents.count))
        for document in documents {
            add(document.identifier)
            add(document.digest)
        }
        for name in registered.names {
            add(name)
            add(registered[name].map(canonicalText) ?? "")
        }
        return Hex.encode(Array(hash.finalize()))
    }

    /// Numbers that RFC 8785 cannot carry are still told apart by their plain text.
    private static func canonicalText(_ value: JSONValue) -> String {
        if let bytes = try? value.canonical() { return String(decoding: bytes, as: UTF8.self) }
        return value.serializedString()
    }
}

/// A release policy in a bundle. A class, because every decision hands it around and none changes it.
final class CompiledRelease: Sendable {
    let identifier: String
    let digest: String
    let namespace: String?
    let spec: ReleasePolicySpec

    init?(_ document: PolicyDocument) {
        guard case .release(let spec) = document.spec else { return nil }
        identifier = document.identifier
        digest = document.digest
        namespace = document.namespace
        self.spec = spec
    }
}

/// An appraisal policy in a bundle.
struct CompiledAppraisal: Sendable {
    let name: String
    let identifier: String
    let digest: String
    let spec: AppraisalPolicySpec

    init?(_ document: PolicyDocument) {
        guard case .appraisal(let spec) = document.spec else { return nil }
        name = document.name
        identifier = document.identifier
        digest = document.digest
        self.spec = spec
    }
}
