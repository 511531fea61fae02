import RATS

/// Reads `spec.limits` of a release policy.
struct LimitsReader {
    /// A greater number of releases would have to be counted for each request.
    private static let greatestCount: Int64 = 10_000
    private static let greatestLease: Int64 = 30 * 86_400
    private let field: Field
    private let tees: [TEE]

    /// - Parameter tees: The kinds of guest that the policy selects; any when empty.
    init(_ field: Field, tees: [TEE]) {
        self.field = field
        self.tees = tees
    }

    func read() -> (limits: ReleaseLimits, instance: PolicyExpression?)? {
        let fields = [
            "instance", "scope", "maxReleases", "per", "window", "oncePer", "concurrentHolders", "leaseDuration",
            "approvals",
        ]
        guard let object = ObjectReader(field, fields: fields) else { return nil }
        let limits = ReleaseLimits(
            scope: object["scope"]?.word(ReleaseLimits.Scope.self) ?? .resource, releases: readCount(object),
            isOncePerInstance: object["oncePer"].map(readOncePer) ?? false, holders: readHolders(object),
            approvals: object["approvals"].flatMap(readApprovals))
        let instance = object["instance"].flatMap(readInstance)
        if ["maxReleases", "oncePer", "concurrentHolders", "approvals"].allSatisfy({ object[$0] == nil }) {
            field.report(
                "invalid_value", "Nothing is limited here.",
                hint: "give maxReleases, oncePer, concurrentHolders or approvals, or remove it")
        }
        if let named = object["instance"], !limits.namesInstance {
            named.report(
                "invalid_value", "No limit here asks for the instance.", hint: "write per: instance, or remove it")
        }
        return (limits, instance)
    }

    private func readCount(_ object: ObjectReader) -> ReleaseLimits.Count? {
        let subject = object["per"].map(readSubject) ?? .all
        let window = object["window"].flatMap { readDuration($0, atMost: 10 * 366 * 86_400) }
        guard let field = object["maxReleases"] else {
            for name in ["per", "window"] {
                object[name]?.report("invalid_value", "'\(name)' says what maxReleases counts, which is not there.")
            }
            return nil
        }
        guard let maximum = field.integer(in: 1...Self.greatestCount), let subject else { return nil }
        return ReleaseLimits.Count(maximum: maximum, subject: subject, window: window)
    }

    private func readSubject(_ field: Field) -> ReleaseLimits.Subject? {
        guard field.text() != "teeKey" else {
            reportTEEKey(field)
            return nil
        }
        return field.word(ReleaseLimits.Subject.self)
    }

    private func readOncePer(_ field: Field) -> Bool {
        guard let text = field.text() else { return false }
        if text == ReleaseLimits.Subject.instance.rawValue { return true }
        if text == "teeKey" {
            reportTEEKey(field)
        } else {
            field.report("invalid_value", "'\(text)' is not known here.", hint: "write oncePer: instance")
        }
        return false
    }

    private func reportTEEKey(_ field: Field) {
        field.report(
            "weak_identity",
            "A guest makes its TEE key itself and makes a new one whenever it likes: this limits nothing.",
            hint: "write instance, which is what hardware says")
    }

    private func readHolders(_ object: ObjectReader) -> ReleaseLimits.Holders? {
        let lease = object["leaseDuration"].flatMap { readDuration($0, atMost: Self.greatestLease) }
        guard let field = object["concurrentHolders"] else {
            object["leaseDuration"]?.report(
                "invalid_value", "A lease is how long one of concurrentHolders counts, which is not there.")
            return nil
        }
        guard let maximum = field.integer(in: 1...Self.greatestCount) else { return nil }
        if object["leaseDuration"] == nil { _ = object.required("leaseDuration") }
        return lease.map { ReleaseLimits.Holders(maximum: maximum, lease: $0) }
    }

    private func readApprovals(_ field: Field) -> ReleaseLimits.Approvals? {
        let fields = ["required", "roles", "principals", "validFor", "singleUse"]
        guard let object = ObjectReader(field, fields: fields) else { return nil }
        let names = { (name: String) in (object[name]?.items(maximum: 64) ?? []).compactMap(self.readName) }
        let (roles, principals) = (names("roles"), names("principals"))
        let validFor = object.required("validFor").flatMap { readDuration($0, atMost: Self.greatestLease) }
        let singleUse = object["singleUse"].map { $0.bool() } ?? true
        guard let required = object.required("required")?.integer(in: 1...16), let validFor, let singleUse else {
            return nil
        }
        if roles.isEmpty, !principals.isEmpty, Int64(Set(principals).count) < required {
            object["required"]?.report(
                "invalid_value", "\(required) people must approve, and only \(Set(principals).count) may.")
        }
        return ReleaseLimits.Approvals(
            required: Int(required), roles: roles, principals: principals, validFor: validFor, isSingleUse: singleUse)
    }

    private func readName(_ field: Field) -> String? {
        guard let text = field.text(maximum: 512) else { return nil }
        if !text.isEmpty { return text }
        field.report("invalid_value", "The name is empty.")
        return nil
    }

    private func readDuration(_ field: Field, atMost maximum: Int64) -> Int64? {
        guard let text = field.text(maximum: 32) else { return nil }
        if let seconds = DurationText.seconds(text), seconds > 0, seconds <= maximum { return seconds }
        field.report(
            "invalid_value", "'\(text)' is no duration up to \(DurationText.text(maximum)).",
            hint: "write it like 90s, 10m or 24h")
        return nil
    }

    /// What anybody can make at will tells no instance from another, so every value that is read must be known to be none.
    private func readInstance(_ field: Field) -> PolicyExpression? {
        guard
            let expression = PolicyExpression.read(field, scope: .release(tees: tees, variables: [:]), yields: .string)
        else { return nil }
        let claims = expression.paths.filter { $0 != ["tee"] }
        if !claims.isEmpty, expression.referenceNames.isEmpty, claims.allSatisfy(InstanceIdentity.isStrong) {
            return expression
        }
        field.report(
            "weak_identity",
            "An instance is told by claims of its hardware and its launch, written out; this looks at something else.",
            hint:
                "such as claims.snp.chip_id; what a guest, its owner or its host can change at will identifies nobody"
        )
        return nil
    }
}
