import Encodings

extension LeaderElector {
    // MARK: Taking

    /// Takes the Lease if nobody holds it; nil when somebody does.
    func take(
        _ observation: inout LeaseObservation
    ) async throws(KubernetesError) -> (Leadership, KubernetesObject)? {
        let current: KubernetesObject
        do throws(KubernetesError) {
            current = try await read()
        } catch {
            guard error.kind == .notFound else { throw error }
            return try await create()
        }
        let record = LeaseRecord(current)
        let patience = record.duration > .zero ? record.duration : settings.leaseDuration
        let unchangedSince = observation.look(at: current, now: environment.now())
        // A Lease in this process' own name is left over from a term that it has ended, or from an answer that got lost.
        let isFree = record.holder.isEmpty || record.holder == identity
        guard isFree || environment.now() - unchangedSince >= patience else { return nil }
        guard record.transitions < Int64(Int32.max) else {
            throw .unusable("a Lease whose leaseTransitions have come to their end; delete it")
        }
        let sent = environment.now()
        // A Lease that was restored from a copy, or made by hand, knows of fewer terms than there have been.
        let term = max(record.transitions + 1, firstTerm)
        let stored = try await store(current, transitions: term, began: true, within: limit)
        return leadership(stored, sent: sent)
    }

    /// Creates the Lease.
    private func create() async throws(KubernetesError) -> (Leadership, KubernetesObject)? {
        var lease = KubernetesObject(.leases, namespace: namespace, name: name)
        lease.hold(
            as: identity, for: settings.leaseDuration, transitions: firstTerm, beganNow: true,
            timestamp: environment.microTimestamp)
        let sent = environment.now()
        let created = lease
        let stored = try await exchange(within: limit) { api async throws(KubernetesError) in
            try await api.create(created, in: .leases)
        }
        return leadership(stored, sent: sent)
    }

    /// The smallest number of a term that begins now: seconds since 2020.
    ///
    /// When somebody deletes the Lease or brings back an older one, the next terms must still be bigger than those that
    /// receivers have seen. They are, as terms last longer than a second, and the number fits the 32 bits of
    /// `leaseTransitions` until 2088.
    private var firstTerm: Int64 { max(1, Int64(environment.wallTime().timeIntervalSince1970) - 1_577_836_800) }

    private func leadership(
        _ stored: KubernetesObject, sent: ContinuousClock.Instant
    ) -> (Leadership, KubernetesObject)? {
        let record = LeaseRecord(stored)
        guard record.holder == identity else { return nil }
        let leadership = Leadership(
            fence: record.transitions, until: sent + settings.renewDeadline, environment: environment)
        // The answer may have taken longer than the term lasts without a renewal.
        return leadership.isValid ? (leadership, stored) : nil
    }

    // MARK: Keeping

    /// Renews the Lease until the task is cancelled; answers the Lease as it is then, or nil when the term is over.
    func renew(_ taken: KubernetesObject, under leadership: Leadership) async -> KubernetesObject? {
        var lease = taken
        while true {
            do throws(CancellationError) {
                try await environment.sleep(min(settings.retryPeriod, leadership.remaining))
            } catch {
                return lease
            }
            guard leadership.isValid else { return nil }
            do throws(KubernetesError) {
                guard let stored = try await prolong(lease, under: leadership) else { return nil }
                lease = stored
            } catch {
                if Task.isCancelled { return lease }
                if error.kind == .notFound { return nil }
                logger.warning("the Lease was not renewed", metadata: ["lease": "\(name)", "reason": "\(error)"])
            }
        }
    }

    /// Renews the Lease once; nil when it is held by another or the answer came too late.
    private func prolong(
        _ lease: KubernetesObject, under leadership: Leadership
    ) async throws(KubernetesError) -> KubernetesObject? {
        let sent = environment.now()
        let stored: KubernetesObject
        do throws(KubernetesError) {
            stored = try await store(lease, transitions: leadership.fence, began: false, within: patience(leadership))
        } catch {
            guard error.kind == .conflict else { throw error }
            // A renewal whose answer got lost, or somebody's label, changes the version too.
            let current = try await read(within: patience(leadership))
            guard isOurs(current, leadership.fence) else { return nil }
            stored = try await store(
                current, transitions: leadership.fence, began: false, within: patience(leadership))
        }
        return leadership.extend(until: sent + settings.renewDeadline) ? stored : nil
    }

    // MARK: Letting go

    /// Says that nobody leads, so that others need not wait. Failures do not matter: the Lease then expires.
    func release(_ lease: KubernetesObject, fence: Int64) async {
        // Not a child: it has to be done also, and above all, when this task has been cancelled.
        let releasing = Task { () async -> KubernetesError? in
            do throws(KubernetesError) {
                do throws(KubernetesError) {
                    try await self.give(up: lease, fence: fence)
                } catch {
                    guard error.kind == .conflict else { throw error }
                    let current = try await self.read()
                    guard self.isOurs(current, fence) else { return nil }
                    try await self.give(up: current, fence: fence)
                }
                return nil
            } catch {
                return error
            }
        }
        if let error = await releasing.value {
            logger.info("the Lease was not released", metadata: ["lease": "\(name)", "reason": "\(error)"])
        }
    }

    private func give(up lease: KubernetesObject, fence: Int64) async throws(KubernetesError) {
        _ = try await store(lease, holder: "", duration: .seconds(1), transitions: fence, began: false, within: limit)
    }

    // MARK: Exchanges

    /// How long an exchange may take. A connection to a server that has lost its power hangs, while others would answer:
    /// within one term there has to be time for a second attempt.
    private var limit: Duration { settings.renewDeadline / 2 }

    private func patience(_ leadership: Leadership) -> Duration { min(limit, leadership.remaining) }

    private func isOurs(_ lease: KubernetesObject, _ fence: Int64) -> Bool {
        let record = LeaseRecord(lease)
        return record.holder == identity && record.transitions == fence
    }

    private func read(within limit: Duration? = nil) async throws(KubernetesError) -> KubernetesObject {
        try await exchange(within: limit ?? self.limit) { api async throws(KubernetesError) in
            try await api.get(.leases, namespace: self.namespace, name: self.name)
        }
    }

    private func store(
        _ lease: KubernetesObject, holder: String? = nil, duration: Duration? = nil, transitions: Int64, began: Bool,
        within limit: Duration
    ) async throws(KubernetesError) -> KubernetesObject {
        // Without a version the server would overwrite whatever is there.
        guard lease.resourceVersion?.isEmpty == false else { throw .unusable("a Lease without a resourceVersion") }
        var changed = lease
        changed.hold(
            as: holder ?? identity, for: duration ?? settings.leaseDuration, transitions: transitions, beganNow: began,
            timestamp: environment.microTimestamp)
        let wanted = changed
        return try await exchange(within: limit) { api async throws(KubernetesError) in
            try await api.replace(wanted, in: .leases)
        }
    }

    private func exchange(
        within limit: Duration,
        _ call: @escaping @Sendable (any KubernetesAPI) async throws(KubernetesError) -> KubernetesObject
    ) async throws(KubernetesError) -> KubernetesObject {
        let result = await environment.limited(to: limit) { () async -> Result<KubernetesObject, KubernetesError> in
            do throws(KubernetesError) {
                return .success(try await call(self.api))
            } catch {
                return .failure(error)
            }
        }
        guard let result else {
            throw KubernetesError(.transport, message: "The API server has not answered in \(limit).")
        }
        return try result.get()
    }
}
