import Encodings
import Kubernetes
import Logging
import X509Trust

/// Makes and renews the certificates of the admission service, and has API servers trust them: the leader's work.
///
/// Only who leads makes anything, only the Secret counts, and it is only ever written over the version that was read. So
/// replicas never serve by authorities of their own, nor fight over what is trusted.
struct CertificateKeeper: Working {
    static let interval: Duration = .seconds(15)
    static let retry: Duration = .seconds(3)

    let api: any KubernetesAPI
    let namespace: String
    let secret: String
    let names: ServiceNames
    let configurations: WebhookConfigurations
    let environment: RuntimeEnvironment
    let logger: Logger
    private let ends: AsyncStream<Void>
    private let end: AsyncStream<Void>.Continuation

    init(
        api: any KubernetesAPI, namespace: String, secret: String, names: ServiceNames,
        configurations: WebhookConfigurations, environment: RuntimeEnvironment, logger: Logger
    ) {
        self.api = api
        self.namespace = namespace
        self.secret = secret
        self.names = names
        self.configurations = configurations
        self.environment = environment
        self.logger = logger
        (ends, end) = AsyncStream.makeStream(of: Void.self)
    }

    func shutDown() { end.finish() }

    /// Works until it is shut down or the task is cancelled. For one term: a process has no second one. The broker hears
    /// nothing of this work.
    func run(_ leadership: Leadership, overtaken: @escaping @Sendable () -> Void) async {
        let work = Task { await keep(leadership) }
        // Ends with the task's cancellation, too.
        for await _ in ends {}
        work.cancel()
        await work.value
    }

    private func keep(_ leadership: Leadership) async {
        var published = Publication()
        while !Task.isCancelled {
            let pause: Duration
            do throws(ControllerError) {
                pause = try await pass(&published, leadership) ? .zero : Self.interval
            } catch {
                if error.code == "not_leading" { return }
                published = Publication()
                // Another leader's last write, or somebody's hand: what is there now is looked at next.
                let level: Logger.Level = error.code == "stale" ? .debug : .error
                logger.log(
                    level: level, "the certificates of the admission service are not in order",
                    metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
                pause = Self.retry
            }
            if pause > .zero { try? await environment.sleep(pause) }
        }
    }

    /// One look at everything. Answers whether something was changed, so that another look is due at once.
    func pass(_ published: inout Publication, _ leadership: Leadership) async throws(ControllerError) -> Bool {
        let stored = try await read()
        let store = stored.map(CertificateStore.init) ?? CertificateStore()
        let failure = await publish(store.bundle, &published, leadership)
        let wanted: CertificateStore
        do throws(X509Error) {
            wanted = try CertificateRotation(names: names, now: environment.wallTime())
                .step(store, published: published.duration(of: store.bundle, at: environment.now()))
        } catch {
            throw ControllerError(code: "unexpected", message: "No certificate can be made: \(error.message)")
        }
        guard wanted != store else {
            if let failure { throw failure }
            return false
        }
        try await write(wanted, over: stored, leadership)
        logger.notice(
            "the certificates of the admission service were renewed",
            metadata: [
                "serves_until": "\(wanted.current?.certificate.notAfter.description ?? "-")",
                "announced": "\(wanted.next != nil)", "overlapping": "\(wanted.former != nil)",
            ])
        if let failure { throw failure }
        return true
    }

    /// Answers why not every configuration trusts the bundle; nil when all do. A renewal that is due is made all the same, but
    /// nothing is served by it.
    private func publish(
        _ bundle: String, _ published: inout Publication, _ leadership: Leadership
    ) async -> ControllerError? {
        guard !bundle.isEmpty else { return nil }
        do throws(ControllerError) {
            let found = try await configurations.publish(bundle, under: leadership)
            published.note(bundle, in: found, at: environment.now())
            return nil
        } catch {
            published = Publication()
            return error
        }
    }

    private func read() async throws(ControllerError) -> KubernetesObject? {
        do throws(KubernetesError) {
            return try await api.get(.secrets, namespace: namespace, name: secret)
        } catch {
            guard error.kind != .notFound else { return nil }
            throw ControllerError(error)
        }
    }

    private func write(
        _ store: CertificateStore, over stored: KubernetesObject?, _ leadership: Leadership
    ) async throws(ControllerError) {
        var object = stored ?? KubernetesObject(.secrets, namespace: namespace, name: secret)
        object.json["data"] = .object(store.data)
        if stored == nil { object.json["type"] = "Opaque" }
        object.metadata["managedFields"] = nil
        try leadership.check()
        do throws(KubernetesError) {
            // With the version that was read: who writes in between makes this a conflict.
            _ =
                stored == nil
                ? try await api.create(object, in: .secrets) : try await api.replace(object, in: .secrets)
        } catch {
            guard error.kind != .conflict, error.kind != .alreadyExists else {
                throw ControllerError(code: "stale", message: "The Secret \(secret) was written by somebody else.")
            }
            throw ControllerError(error)
        }
    }
}

/// Since when API servers have a bundle, as far as this process has seen.
struct Publication: Sendable {
    private var bundle = ""
    private var configurations: Set<String> = []
    private var since: ContinuousClock.Instant?

    /// All configurations that are there have it now. One that was not there before has to become known, too.
    mutating func note(_ bundle: String, in configurations: Set<String>, at now: ContinuousClock.Instant) {
        if bundle != self.bundle || since == nil || !configurations.isSubset(of: self.configurations) {
            (self.bundle, since) = (bundle, now)
        }
        self.configurations = configurations
    }

    func duration(of bundle: String, at now: ContinuousClock.Instant) -> Duration? {
        bundle == self.bundle ? since.map { now - $0 } : nil
    }
}
