import FoundationEssentials
import Policy

extension PolicyLint {
    /// Reference values that a document asks for and nobody gives, or that it gives and nobody asks for.
    func referenceFindings(_ document: LintedDocument) -> [PolicyDiagnostic] {
        if let spec = document.referenceValues {
            return spec.values.enumerated().flatMap { entryFindings($1, at: "spec.values[\($0)]", document) }
        }
        return document.referenceUses.compactMap { undefinedFinding($0.name, at: $0.path, document) }
    }

    private func undefinedFinding(_ name: String, at path: String, _ document: LintedDocument) -> PolicyDiagnostic? {
        let entries = definitions(visibleFrom: document.document.namespace).filter { $0.entry.name == name }
        let registeredNames = (registered ?? []).map(\.name)
        if registeredNames.contains(name) || entries.contains(where: \.entry.isAccepted) { return nil }
        if let other = entries.first {
            return document.finding(
                .warning, "reference_does_not_count", at: path,
                "The reference value '\(name)' of \(other.identifier) is \(other.entry.state.rawValue): what compares "
                    + "with it denies.")
        }
        let isSettled = registered != nil || all.contains { $0.referenceValues != nil }
        let known = definitions(visibleFrom: document.document.namespace).map(\.entry.name) + registeredNames
        let near = NearestName.candidates(for: name, among: known)
        return document.finding(
            isSettled ? .warning : .note, "undefined_reference_value", at: path,
            "No document here defines the reference value '\(name)'.",
            hint: near.isEmpty
                ? "give it in a ReferenceValues document, or register it with claviger reference put"
                : "did you mean " + near.map { "'\($0)'" }.joined(separator: " or ") + "?")
    }

    /// The values of the cluster and of the namespace.
    private func definitions(
        visibleFrom namespace: String?
    ) -> [(identifier: String, entry: ReferenceValueEntry)] {
        all.flatMap { document -> [(identifier: String, entry: ReferenceValueEntry)] in
            guard let spec = document.referenceValues,
                document.document.namespace == nil || document.document.namespace == namespace
            else { return [] }
            return spec.values.map { (document.document.identifier, $0) }
        }
    }

    private func entryFindings(
        _ entry: ReferenceValueEntry, at path: String, _ document: LintedDocument
    ) -> [PolicyDiagnostic] {
        var findings: [PolicyDiagnostic] = []
        if entry.isAccepted, let until = entry.validUntil {
            findings += expiryFinding(entry.name, until) { document.finding(.warning, $0, at: path, $1, hint: $2) }
        }
        let asks = all.filter { $0.referenceValues == nil }
        let namespace = document.document.namespace
        let isUsed = asks.contains { other in
            (namespace == nil || other.document.namespace == namespace)
                && other.referenceUses.contains { $0.name == entry.name }
        }
        if !asks.isEmpty, !isUsed {
            findings.append(
                document.finding(
                    .warning, "unused_reference_value", at: path, "No policy here asks for '\(entry.name)'.",
                    hint: "remove it when no other policy needs it"))
        }
        return findings
    }

    /// Registered values that end soon.
    func registeredFindings() -> [PolicyDiagnostic] {
        (registered ?? []).flatMap { value -> [PolicyDiagnostic] in
            guard let expires = value.expires else { return [] }
            return expiryFinding(value.name, expires) { code, message, hint in
                PolicyDiagnostic(
                    severity: .warning, code: code, source: "registered reference values", line: 1, column: 1,
                    path: value.name, message: message, hint: hint)
            }
        }
    }

    private func expiryFinding(
        _ name: String, _ end: Date, _ finding: (String, String, String?) -> PolicyDiagnostic
    ) -> [PolicyDiagnostic] {
        let hint = "extend validUntil, or put a newer value beside it"
        if end <= now {
            return [
                finding(
                    "expired_reference_value", "'\(name)' ended on \(TimestampText.text(end)): what needs it denies.",
                    hint)
            ]
        }
        guard end < now.addingTimeInterval(Self.expiryNotice) else { return [] }
        return [
            finding(
                "expiring_reference_value",
                "'\(name)' ends on \(TimestampText.text(end)); from then on what needs it denies.", hint)
        ]
    }
}

extension LintedDocument {
    /// The reference values that the document asks for, in expressions and as floors, and where it does.
    fileprivate var referenceUses: [(path: String, name: String)] {
        let floors = (release?.require.posture?.floors ?? [:]).compactMap { tee, floor in
            floor.reference.map { (path: "spec.require.posture.tcb.\(tee.rawValue).atLeast", name: $0) }
        }
        return expressions.flatMap { path, facts in facts.referenceNames.map { (path: path, name: $0) } }
            + floors.sorted { $0.path < $1.path }
    }
}

extension ReferenceValueEntry {
    /// Whether the value counts within its dates.
    fileprivate var isAccepted: Bool { state != .candidate && state != .revoked }
}
