import Encodings

extension Decision {
    /// The decision in plain text for people: what was asked, each policy, each condition, required against measured.
    public func explanation() -> String {
        var lines = ["\(allowed ? "Allowed" : "Denied"): \(request) (\(reason.rawValue))", message]
        lines += notes.map { "note: \($0)" }
        if let audit { lines.append("audit: policies that are only shown \(audit.sentence)") }
        for policy in trace {
            lines.append("")
            lines += policy.explanation()
        }
        if let nearest, !allowed, let policy = trace.first(where: { $0.policy == nearest }) {
            let count = policy.failures.count
            lines.append("")
            lines.append(
                count == 0
                    ? "\(nearest) allows it; a guardrail objects."
                    : "Nearest: \(nearest) would have allowed it but for \(count) of its \(policy.conditions.count) conditions."
            )
        }
        lines.append("")
        lines.append("Decided by the policy bundle \(bundleDigest).")
        return lines.map(\.printable).joined(separator: "\n") + "\n"
    }
}

extension PolicyTrace {
    func explanation() -> [String] {
        let verdict: String
        if !matched {
            verdict = "not about this request"
        } else if effect == .guardrail {
            verdict = passed ? "does not object" : "objects"
        } else {
            verdict = passed ? "allows" : "does not allow"
        }
        let kind = mode == .enforce ? effect.rawValue : "\(effect.rawValue), only shown (Audit)"
        var lines = ["\(policy) (\(kind)): \(verdict)"]
        if let note { lines.append("  \(note)") }
        for condition in conditions { lines += condition.explanation() }
        if matched, conditions.isEmpty { lines.append("  it has no conditions") }
        return lines
    }
}

extension AuditVerdict {
    fileprivate var sentence: String {
        switch self {
        case .wouldDeny: "would have denied it"
        case .wouldAllow: "would have allowed it"
        }
    }
}

extension ConditionTrace {
    func explanation() -> [String] {
        let mark: String
        switch outcome {
        case .met: mark = "ok   "
        case .notMet: mark = "FAIL "
        case .error: mark = "ERROR"
        }
        let place = line > 0 ? "\(path), line \(line)" : path
        let inner = "        "
        var lines = ["  \(mark) \(place)", "\(inner)required: \(required)"]
        for value in measured { lines.append("\(inner)measured: \(value.name) = \(value.value)") }
        if outcome != .met {
            let code = [reason?.rawValue, authorReason].compactMap { $0 }.joined(separator: ", ")
            if let message { lines.append("\(inner)\(code.isEmpty ? "" : "\(code): ")\(message)") }
        }
        lines += notes.map { "\(inner)note: \($0)" }
        return lines
    }
}
