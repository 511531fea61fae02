import Encodings
import RATS

/// Reads `spec.require.posture` of a release policy.
struct PostureReader {
    private let field: Field
    /// The TEEs that the policy selects; empty where any may come.
    private let tees: [TEE]

    init(_ field: Field, tees: [TEE]) {
        self.field = field
        self.tees = tees
    }

    func read() -> PostureRequirement {
        var result = PostureRequirement()
        let fields = PostureFlag.allCases.map(\.rawValue) + ["vmpl", "tcb"]
        guard let object = ObjectReader(field, fields: fields) else { return result }
        if object.isEmpty { field.report("invalid_value", "Nothing is required here.", hint: "leave the field out") }
        for flag in PostureFlag.allCases {
            if let member = object[flag.rawValue], readFlag(member, flag) { result.flags.insert(flag) }
        }
        if let level = object["vmpl"] { result.privilegeLevel = readPrivilegeLevel(level) }
        if let tcb = object["tcb"] { result.floors = readFloors(tcb) }
        return result
    }

    private func readFlag(_ field: Field, _ flag: PostureFlag) -> Bool {
        guard let value = field.onOrOff() else { return false }
        guard value == flag.required else {
            field.report(
                "invalid_value", "Only '\(flag.required)' can be required, which means that \(flag.demand).",
                hint: "leave the field out when it does not matter")
            return false
        }
        return canTell(PostureStatement.tees(of: flag), whether: flag.demand, at: field)
    }

    private func readPrivilegeLevel(_ field: Field) -> Int64? {
        guard let level = field.integer(in: 0...3) else { return nil }
        let known = TEE.allCases.filter { PostureStatement.privilegeLevel($0) != nil }
        return canTell(known, whether: "which privilege level it runs at", at: field) ? level : nil
    }

    /// Whether a guest that the policy selects could ever meet a requirement; if none could, that is reported.
    private func canTell(_ known: [TEE], whether demand: String, at field: Field) -> Bool {
        guard !tees.isEmpty, !tees.contains(where: known.contains) else { return true }
        field.report(
            "cannot_tell",
            "Evidence of \(Self.list(tees)) does not say whether \(demand): no guest that require.tees selects can meet this.",
            hint: "it is known of \(Self.list(known))")
        return false
    }

    private func readFloors(_ field: Field) -> [TEE: TCBFloor] {
        var floors: [TEE: TCBFloor] = [:]
        guard let object = ObjectReader(field, fields: TCBComponent.tees.map(\.rawValue)) else { return floors }
        if object.isEmpty { field.report("invalid_value", "Nothing is required here.", hint: "leave the field out") }
        for member in field.members() ?? [] {
            guard let tee = TEE(rawValue: member.key), TCBComponent.tees.contains(tee) else { continue }
            guard tees.isEmpty || tees.contains(tee) else {
                member.name.report(
                    "unselected_tee",
                    "This policy selects only \(Self.list(tees)) in require.tees, not '\(tee.rawValue)'.",
                    hint: "add '\(tee.rawValue)' to require.tees, or remove this part")
                continue
            }
            floors[tee] = readFloor(member.value, tee)
        }
        return floors
    }

    private func readFloor(_ field: Field, _ tee: TEE) -> TCBFloor {
        var floor = TCBFloor()
        let components = TCBComponent.components(of: tee)
        let judged = TCBComponent.statesStatus(tee) ? ["status", "advisories"] : []
        guard let object = ObjectReader(field, fields: components.map(\.name) + judged + ["atLeast"]) else {
            return floor
        }
        if object.isEmpty { field.report("invalid_value", "Nothing is required here.", hint: "leave the field out") }
        for component in components {
            guard let member = object[component.name] else { continue }
            floor.levels[component.name] = readLevel(member, component)
        }
        floor.statuses = object["status"]?.items(maximum: 16)?.compactMap(readStatus)
        floor.advisories = object["advisories"]?.items(maximum: 256, allowEmpty: true)?.compactMap {
            $0.text(maximum: 64)
        }
        floor.reference = object["atLeast"].flatMap(readReference)
        return floor
    }

    private func readLevel(_ field: Field, _ component: TCBComponent) -> TCBLevel? {
        guard component.form == .bytes else {
            return field.integer(in: 0...component.maximum).map(TCBLevel.number)
        }
        guard let text = field.text(maximum: 64) else { return nil }
        if let level = component.floor(.string(text.lowercased())) { return level }
        field.report("invalid_value", "'\(text)' is not \(component.floorForm).")
        return nil
    }

    private func readStatus(_ field: Field) -> String? {
        guard let text = field.text(maximum: 64) else { return nil }
        if DCAPClaims.statuses.contains(text) { return text }
        field.report(
            "invalid_value", "There is no TCB status '\(text)' that could be accepted.",
            hint: NearestName.hint(for: text, among: DCAPClaims.statuses))
        return nil
    }

    private func readReference(_ field: Field) -> String? {
        guard let name = field.text(maximum: 253) else { return nil }
        if !name.isEmpty { return name }
        field.report("invalid_value", "The name is empty.", hint: "name a reference value")
        return nil
    }

    private static func list(_ tees: [TEE]) -> String {
        tees.map(\.rawValue).joined(separator: ", ")
    }
}

extension Field {
    /// `true` or `false`, also written `On` or `Off` as in YAML 1.1; the document then holds the boolean, which is what
    /// it would have held after passing through Kubernetes.
    fileprivate func onOrOff() -> Bool? {
        guard case .scalar(let scalar) = node.content, case .ambiguous = scalar.meaning,
            ["on", "off"].contains(scalar.text.lowercased())
        else { return bool() }
        let value = scalar.text.lowercased() == "on"
        context.settle(node.position, as: value)
        return value
    }
}
