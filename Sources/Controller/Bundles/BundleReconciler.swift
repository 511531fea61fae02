import Encodings
import Kubernetes

/// Carries a `PolicyBundle` to the broker, which checks the signatures, and tells on the object what the broker said.
///
/// Nothing here can make or change what a bundle says. Deleting the object takes nothing back: that would let whoever rules
/// the cluster remove a guardrail that somebody else signed. A newer bundle of the same name does.
struct BundleReconciler: Sendable {
    struct Timing: Sendable {
        /// After this long the bundle is handed over again, in case somebody changed its documents.
        var resync: Duration = .seconds(300)
        /// Between two looks at replicas that are not there yet: doubled each time, up to the maximum.
        var firstLook: Duration = .seconds(1)
        var longestLook: Duration = .seconds(15)
    }

    let cache: any ObjectCache
    let broker: any BrokerPort
    let statuses: any StatusPort
    let events: any EventPort
    let environment: RuntimeEnvironment
    var timing = Timing()
    /// What was handed over before: a megabyte of signatures is not to be checked again each time the replicas are looked at.
    let former = BundleAnswers()

    func reconcile(_ key: ObjectKey, _ leadership: Leadership) async throws(ControllerError) -> Duration? {
        guard let object = cache[key], object.deletionTimestamp == nil else {
            former.forget(key)
            return nil
        }
        var status = WantedStatus(conditions: [])
        guard let bundle = object.spec?["bundle"]?.stringValue else {
            status.conditions = Self.refusal(
                object.unreadable == nil ? "Invalid" : "Unreadable",
                object.unreadable ?? "The object has no spec.bundle.")
            try await show(status, on: object, leadership)
            return nil
        }
        try leadership.check()
        let answer: BundleAnswer
        do throws(ControllerError) {
            answer = try await handOver(bundle, of: object, key, leadership)
        } catch {
            guard error.code == "refused" else { throw error }
            status.conditions = Self.refusal(PolicyStatus.reason(Self.code(in: error.message)), error.message)
            try await show(status, on: object, leadership)
            // Keys that are trusted may change, and a bundle that is too old never gets younger: now and then is enough.
            return timing.resync
        }
        let replicas = try await broker.replicas()
        let verdict = PolicyVerdict(
            key: PolicyKey(kind: "PolicyBundle", namespace: nil, name: key.name), isAccepted: true, isCompiled: true)
        status.conditions = [
            Condition(
                PolicyStatus.accepted, .yes, "Accepted", "\(answer.name), serial \(answer.serial): signed as required.")
        ]
        status.conditions += PolicyStatus.conditions(
            verdict, generation: answer.generation, replicas: replicas
        ).filter { $0.type == PolicyStatus.programmed }
        status.fields = [
            "name": .string(answer.name), "serial": .int(answer.serial),
            "programmed": PolicyStatus.programmed(answer.generation, replicas),
        ]
        try await show(status.doubted(cache.problem.map(PolicyDoubt.notFollowed)), on: object, leadership)
        guard !replicas.haveAll(answer.generation) else {
            former.followed(key)
            return former.age(key, at: environment.now()).map { max(.seconds(1), timing.resync - $0) } ?? timing.resync
        }
        return former.nextLook(key, first: timing.firstLook, longest: timing.longestLook)
    }

    /// What the broker says of the bundle: asked now, unless it was of the very same a short while ago.
    private func handOver(
        _ bundle: String, of object: KubernetesObject, _ key: ObjectKey, _ leadership: Leadership
    ) async throws(ControllerError) -> BundleAnswer {
        let version = BundleAnswers.Version(
            uid: object.uid ?? "", generation: object.generation ?? 0, fence: leadership.fence)
        let now = environment.now()
        if let age = former.age(key, at: now), age < timing.resync, let answer = former.answer(key, to: version) {
            return answer
        }
        former.forget(key)
        let answer = try await broker.put(bundle: Array(bundle.utf8))
        former.keep(answer, key, version, at: now)
        return answer
    }

    private func show(
        _ status: WantedStatus, on object: KubernetesObject, _ leadership: Leadership
    ) async throws(ControllerError) {
        try leadership.check()
        try await statuses.write(status, on: object, of: .policyBundles, under: leadership)
        let types = [PolicyStatus.accepted, PolicyStatus.programmed]
        for transition in StatusTransition.between(object.status, status, of: types) {
            transition.record(to: events, about: object)
        }
    }

    private static func refusal(_ reason: String, _ message: String) -> [Condition] {
        [
            Condition(PolicyStatus.accepted, .no, reason, message),
            Condition(
                PolicyStatus.programmed, .no, "NotAccepted", "An earlier bundle of its name, if any, stays in force."),
        ]
    }

    /// The broker's stable code, which it writes as `(code: stale_serial)`.
    static func code(in message: String) -> String? {
        guard let start = message.firstRange(of: "(code: ")?.upperBound else { return nil }
        let code = message[start...].prefix { $0.isASCII && ($0.isLetter || $0 == "_") }
        return code.isEmpty ? nil : String(code)
    }
}
