public import FoundationEssentials
public import Policy

/// Looks for what policies that are right one by one get wrong together: what can never happen, never matters, or opens
/// more than its author meant.
public struct PolicyLint: Sendable {
    /// A resource that somebody expects to get, and where that is written.
    public struct Resource: Sendable, Hashable {
        /// Its name, `repository/type/tag`.
        public let path: String
        /// The file that names it, or the broker.
        public let source: String
        /// Line in that file, counted from 1.
        public let line: Int

        /// A resource named at a place.
        public init(path: String, source: String, line: Int) {
            self.path = path
            self.source = source
            self.line = line
        }
    }

    /// A reference value that is registered beside the documents.
    public struct RegisteredValue: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// When it ceases to count.
        public let expires: Date?

        /// A registered value.
        public init(name: String, expires: Date?) {
            self.name = name
            self.expires = expires
        }
    }

    /// How long before its end a reference value is complained about: 30 days.
    public static let expiryNotice: TimeInterval = 30 * 86_400

    let subjects: [LintedDocument]
    /// The subjects and everything that is in force beside them.
    let all: [LintedDocument]
    let registered: [RegisteredValue]?
    let resources: [Resource]
    let now: Date

    /// A look at `documents`.
    ///
    /// - Parameters:
    ///   - others: documents that will be in force beside them; nothing is said about these themselves.
    ///   - registered: the values of the broker's registration endpoint; `nil` when they are not known.
    ///   - resources: what must be possible to release.
    ///   - now: the time at which reference values are looked at.
    public init(
        _ documents: [PolicyDocument], beside others: [PolicyDocument] = [], registered: [RegisteredValue]? = nil,
        resources: [Resource] = [], now: Date
    ) {
        let names = Set(documents.map(\.identifier))
        subjects = documents.map(LintedDocument.init)
        all = subjects + others.filter { !names.contains($0.identifier) }.map(LintedDocument.init)
        self.registered = registered
        self.resources = resources
        self.now = now
    }

    /// What was found, in the order of files and lines. The codes are stable; docs/policy.md lists them.
    public func findings() -> [PolicyDiagnostic] {
        var findings: [PolicyDiagnostic] = []
        for document in subjects {
            findings += ruleFindings(document) + conditionFindings(document) + matchFindings(document)
            findings += referenceFindings(document)
        }
        findings += overlapFindings() + registeredFindings() + resourceFindings()
        return findings.sorted { ($0.source, $0.line, $0.column, $0.code) < ($1.source, $1.line, $1.column, $1.code) }
    }
}

/// A document with what the checks ask of it again and again.
struct LintedDocument: Sendable {
    let document: PolicyDocument
    private let places: DocumentPlaces
    /// Every expression, by its path.
    let expressions: [(path: String, facts: ExpressionFacts)]

    init(_ document: PolicyDocument) {
        self.document = document
        places = DocumentPlaces(document)
        expressions = document.content.expressions(at: "spec")
    }

    var release: ReleasePolicySpec? {
        if case .release(let spec) = document.spec { return spec }
        return nil
    }

    var appraisal: AppraisalPolicySpec? {
        if case .appraisal(let spec) = document.spec { return spec }
        return nil
    }

    var referenceValues: ReferenceValuesSpec? {
        if case .referenceValues(let spec) = document.spec { return spec }
        return nil
    }

    func finding(
        _ severity: PolicyDiagnostic.Severity, _ code: String, at path: String, _ message: String, hint: String? = nil
    ) -> PolicyDiagnostic {
        let place = places.place(of: path)
        return PolicyDiagnostic(
            severity: severity, code: code, source: document.source, line: place.line, column: place.column, path: path,
            message: message, hint: hint)
    }

    func facts(at path: String) -> ExpressionFacts? {
        expressions.first { $0.path == path }?.facts
    }
}
