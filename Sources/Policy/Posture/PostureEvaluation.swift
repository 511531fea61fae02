import CEL
import Encodings
import RATS

/// Evaluates `spec.require.posture` for the confidential VM or enclave that asks.
struct PostureEvaluation {
    let primary: Appraisal
    let reference: (String) -> ReferenceLookup

    func conditions(_ posture: PostureRequirement) -> [ConditionTrace] {
        var traces = PostureFlag.allCases.filter(posture.flags.contains).map(flagCondition)
        if let level = posture.privilegeLevel { traces.append(privilegeCondition(level)) }
        guard !posture.floors.isEmpty else { return traces }
        return traces + floorConditions(posture.floors)
    }

    private func flagCondition(_ flag: PostureFlag) -> ConditionTrace {
        guard let statement = PostureStatement.of(flag, primary.tee) else {
            return unstated(flag.rawValue, flag.demand, [])
        }
        let claim = claim(statement.path)
        guard let holds = statement.holds(claim) else {
            return unstated(flag.rawValue, flag.demand, [measured(statement.path)])
        }
        return condition(
            flag.rawValue, flag.demand, [measured(statement.path)], met: holds,
            "\(name(statement.path)) is \(Self.text(claim)): it is not so that \(flag.demand).")
    }

    private func privilegeCondition(_ level: Int64) -> ConditionTrace {
        let required = "the evidence comes from privilege level (VMPL) \(level)"
        guard let component = PostureStatement.privilegeLevel(primary.tee) else {
            return unstated("vmpl", required, [])
        }
        guard let found = component.level(claim(component.path)) else {
            return unstated("vmpl", required, [measured(component.path)])
        }
        return condition(
            "vmpl", required, [measured(component.path)], met: found == .number(level),
            "The evidence comes from privilege level \(found), not \(level).")
    }

    // MARK: floors

    private func floorConditions(_ floors: [TEE: TCBFloor]) -> [ConditionTrace] {
        guard let floor = floors[primary.tee] else {
            let named = floors.keys.map(\.rawValue).sorted().joined(separator: ", ")
            return [
                ConditionTrace(
                    path: Self.path("tcb"), required: "a platform version as required of \(named)",
                    measured: [MeasuredValue(name: "tee", value: primary.tee.rawValue)], outcome: .notMet,
                    reason: .postureUnknown,
                    message:
                        "The policy does not say which platform versions of '\(primary.tee.rawValue)' are good enough.")
            ]
        }
        let field = "tcb." + primary.tee.rawValue
        var traces = levelConditions(floor.levels, field)
        if let accepted = floor.statuses { traces.append(statusCondition(accepted, field)) }
        if let accepted = floor.advisories { traces.append(advisoryCondition(accepted, field)) }
        if let name = floor.reference { traces += referenceConditions(name, field) }
        return traces
    }

    private func levelConditions(
        _ levels: [String: TCBLevel], _ field: String, reference name: String? = nil
    ) -> [ConditionTrace] {
        TCBComponent.components(of: primary.tee).compactMap { component in
            guard let least = levels[component.name] else { return nil }
            let origin = name.map { " (reference value '\($0)')" } ?? ""
            let required = "\(component.name) is at least \(least)\(origin)"
            let path = "\(field).\(component.name)"
            guard let found = component.level(claim(component.path)) else {
                return unstated(path, required, [measured(component.path)])
            }
            return condition(
                path, required, [measured(component.path)], met: least.isReached(by: found),
                "The platform is too old: \(component.name) is \(found), not at least \(least).")
        }
    }

    private func statusCondition(_ accepted: [String], _ field: String) -> ConditionTrace {
        let required = "tcb_status is one of \(accepted.joined(separator: ", "))"
        guard let found = claim(["tcb_status"])?.stringValue else {
            return unstated("\(field).status", required, [measured(["tcb_status"])])
        }
        return condition(
            "\(field).status", required, [measured(["tcb_status"])], met: accepted.contains(found),
            "The platform is '\(found)'.")
    }

    private func advisoryCondition(_ accepted: [String], _ field: String) -> ConditionTrace {
        let required =
            accepted.isEmpty
            ? "no security advisory applies" : "no other advisory applies than \(accepted.joined(separator: ", "))"
        let list = claim(["advisory_ids"])?.arrayValue
        let found = list?.compactMap(\.stringValue)
        guard let found, found.count == list?.count else {
            return unstated("\(field).advisories", required, [measured(["advisory_ids"])])
        }
        let others = found.filter { !accepted.contains($0) }
        return condition(
            "\(field).advisories", required, [measured(["advisory_ids"])], met: others.isEmpty,
            "Security advisories apply that are not accepted: \(others.prefix(8).joined(separator: ", ")).")
    }

    private func referenceConditions(_ name: String, _ field: String) -> [ConditionTrace] {
        let path = "\(field).atLeast"
        func failed(_ reason: DecisionReason, _ message: String) -> [ConditionTrace] {
            [
                ConditionTrace(
                    path: Self.path(path), required: "at least the versions of the reference value '\(name)'",
                    measured: [], outcome: .error, reason: reason, message: message)
            ]
        }
        let value: JSONValue?
        switch reference(name) {
        case .missing(let sentence): return failed(.missingReferenceValue, sentence)
        case .value(let found): value = found.json()
        }
        guard let object = value?.objectValue, !object.isEmpty else {
            return failed(.conditionError, "The reference value '\(name)' is no object of versions.")
        }
        var levels: [String: TCBLevel] = [:]
        for (member, value) in object {
            let component = TCBComponent.components(of: primary.tee).first { $0.name == member }
            guard let level = component?.floor(value) else {
                return failed(
                    .conditionError,
                    "The reference value '\(name)' has a member '\(member)' that is no version of \(primary.tee.rawValue)."
                )
            }
            levels[member] = level
        }
        return levelConditions(levels, path, reference: name)
    }

    // MARK: parts

    private func condition(
        _ field: String, _ required: String, _ measured: [MeasuredValue], met: Bool,
        _ message: @autoclosure () -> String
    ) -> ConditionTrace {
        ConditionTrace(
            path: Self.path(field), required: required, measured: measured, outcome: met ? .met : .notMet,
            reason: met ? nil : .postureNotMet, message: met ? nil : message())
    }

    /// What evidence does not say counts as not being so.
    private func unstated(_ field: String, _ required: String, _ measured: [MeasuredValue]) -> ConditionTrace {
        let tee = MeasuredValue(name: "tee", value: primary.tee.rawValue)
        return ConditionTrace(
            path: Self.path(field), required: required, measured: measured.isEmpty ? [tee] : measured, outcome: .notMet,
            reason: .postureUnknown,
            message: "The evidence of '\(primary.tee.rawValue)' does not say whether \(required).")
    }

    private static func path(_ field: String) -> String { "spec.require.posture.\(field)" }

    private func claim(_ path: [String]) -> JSONValue? {
        var value: JSONValue? = primary.annotatedEvidence[primary.tee.rawValue]
        for name in path { value = value?.objectValue?[name] }
        return value
    }

    private func measured(_ path: [String]) -> MeasuredValue {
        MeasuredValue(name: name(path), value: Self.text(claim(path)))
    }

    private func name(_ path: [String]) -> String {
        ClaimPath.text(["claims", primary.tee.rawValue] + path)
    }

    private static func text(_ value: JSONValue?) -> String { value?.serializedString() ?? "absent" }
}
