import FoundationEssentials
import HTTPServing
import Kubernetes
import Logging
import Synchronization
import X509Trust

/// The certificate that a replica serves with, always the latest of its source, and whether API servers trust it.
final class AdmissionCertificates: Sendable {
    /// While something is wrong, and while all is well, it is looked at again after these times.
    private static let pauses: (trouble: Duration, calm: Duration) = (.seconds(2), .seconds(30))

    private struct State {
        var read: ReadCertificate?
        var leaf: Certificate?
        var chain: [Certificate] = []
        var serving: ExchangeableCertificate?
        var sourceProblem: String?
        var trustProblem: String? = "not compared with the caBundle yet"
        var missing: [String] = []
    }

    private let source: any CertificateSource
    private let configurations: WebhookConfigurations
    private let environment: RuntimeEnvironment
    private let metrics: ControllerMetrics
    private let logger: Logger
    private let state = Mutex(State())
    private let loaded: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init(
        source: any CertificateSource, configurations: WebhookConfigurations, environment: RuntimeEnvironment,
        metrics: ControllerMetrics, logger: Logger
    ) {
        self.source = source
        self.configurations = configurations
        self.environment = environment
        self.metrics = metrics
        self.logger = logger
        (loaded, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Why no call would succeed; nil while all is well.
    var problem: String? {
        state.withLock { state in
            guard let leaf = state.leaf else { return state.sourceProblem ?? "there is no certificate yet" }
            guard environment.wallTime() < leaf.notAfter else { return "the certificate is over" }
            return state.trustProblem
        }
    }

    /// What new connections are answered with.
    var servedCertificate: Certificate? { state.withLock(\.leaf) }

    /// Waits for the first certificate. Nil when the task was cancelled before. For one caller.
    func first() async -> ExchangeableCertificate? {
        for await _ in loaded {
            if let serving = state.withLock(\.serving) { return serving }
        }
        return nil
    }

    /// Follows source and configurations until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [self] in await source.follow { [self] in await reload() } }
            group.addTask { [self] in
                while !Task.isCancelled {
                    await compare()
                    let isCalm = problem == nil
                    metrics.admissionCallable(isCalm)
                    try? await environment.sleep(isCalm ? Self.pauses.calm : Self.pauses.trouble)
                }
            }
        }
        signal.finish()
    }

    /// Takes over what the source has now.
    func reload() async {
        do throws(ControllerError) {
            guard let fresh = try await source.read() else { return note("there is no certificate yet") }
            guard state.withLock({ $0.read != fresh }) else { return note(nil) }
            try take(fresh)
            note(nil)
        } catch {
            note(error.message)
            logger.error(
                "the certificate of the admission service was not taken over",
                metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
            return
        }
        await compare()
        signal.yield()
    }

    private func take(_ fresh: ReadCertificate) throws(ControllerError) {
        func unusable(_ reason: String) -> ControllerError {
            ControllerError(code: "unreadable", message: "The certificate cannot be used: \(reason)")
        }
        let chain: [Certificate]
        do throws(X509Error) {
            chain = try Certificate.all(pem: String(decoding: fresh.chain, as: UTF8.self))
        } catch {
            throw unusable(error.message)
        }
        let serving = state.withLock(\.serving)
        let usable: ExchangeableCertificate
        do throws(UnusableCertificate) {
            if let serving {
                try serving.exchange(chain: fresh.chain, key: fresh.key)
                usable = serving
            } else {
                usable = try ExchangeableCertificate(chain: fresh.chain, key: fresh.key)
            }
        } catch {
            throw unusable(error.message)
        }
        state.withLock { state in
            (state.read, state.leaf, state.chain, state.serving) = (fresh, chain.first, chain, usable)
        }
        if let end = chain.first?.notAfter { metrics.admissionCertificate(until: end) }
        logger.notice(
            "admission certificate loaded", metadata: ["until": "\(chain.first?.notAfter.description ?? "-")"])
    }

    private func note(_ problem: String?) { state.withLock { $0.sourceProblem = problem } }

    /// Looks whether the certificate leads to what API servers were told to trust.
    func compare() async {
        let chain = state.withLock(\.chain)
        guard let leaf = chain.first else { return }
        let problem: String?
        do throws(ControllerError) {
            let now = environment.wallTime()
            let published = try await configurations.published()
            noteMissing(published.missing)
            let stranger = published.webhooks.first { !Self.isTrusted(leaf, chain, by: $0.bundle, at: now) }
            // Somebody may take one away in an emergency: the others go on.
            problem =
                published.isNothingThere
                ? "There is no \(published.missing.joined(separator: ", and no "))."
                : stranger.map { "the caBundle of \($0.name) does not lead to the certificate" }
        } catch {
            // Who could be called a moment ago still can while nobody can ask.
            if error.code == "unavailable", state.withLock({ $0.trustProblem == nil }) { return }
            problem = error.message
        }
        state.withLock { $0.trustProblem = problem }
    }

    private static func isTrusted(
        _ leaf: Certificate, _ chain: [Certificate], by bundle: String, at now: Date
    ) -> Bool {
        let anchors = (try? Certificate.all(pem: bundle))?.map(\.der) ?? []
        let verified = try? CertificateChain.verify(
            leaf: leaf.der, intermediates: chain.dropFirst().map(\.der), anchors: anchors, at: now)
        return verified != nil
    }

    /// Says once that a configuration is not there.
    private func noteMissing(_ missing: [String]) {
        let fresh = state.withLock { state in
            defer { state.missing = missing }
            return missing.filter { !state.missing.contains($0) }
        }
        for name in fresh {
            logger.warning(
                "a webhook configuration is not there: nobody is called by it",
                metadata: ["configuration": "\(name)"])
        }
    }
}
