import Encodings
import HTTPTransport
import Logging
import Synchronization

/// Whom a client trusts and as whom it acts, read from files as they change, and the connections that follow from it.
final class ServerAccess: Sendable {
    /// What one request needs.
    struct Session: Sendable {
        /// Connections for requests that are answered at once.
        let requests: HTTPClient
        /// Connections for watches, so that no watch waits for a request or the other way round.
        let watches: HTTPClient
        /// Value of the `Authorization` header.
        let authorization: String?
    }

    /// How long files that could not be read are left alone.
    private static let pauseAfterFailure: Duration = .seconds(5)

    /// What the connections depend on.
    private struct Material: Hashable {
        let authority: String
        let identity: HTTPClientIdentity?
    }

    private struct State {
        var material: Material?
        var session: Session?
        var readAt: ContinuousClock.Instant?
    }

    private let configuration: KubernetesConfiguration
    private let environment: RuntimeEnvironment
    private let logger: Logger
    private let state = Mutex(State())

    init(
        _ configuration: KubernetesConfiguration, _ environment: RuntimeEnvironment, _ logger: Logger
    ) throws(KubernetesError) {
        self.configuration = configuration
        self.environment = environment
        self.logger = logger
        _ = try session()
    }

    /// The present session: files are read again once the configured time has passed.
    func session() throws(KubernetesError) -> Session {
        let now = environment.now()
        return try locked { (state) throws(KubernetesError) in
            if let session = state.session, let readAt = state.readAt,
                readAt.duration(to: now) < self.configuration.rereadInterval
            {
                return session
            }
            return try self.read(into: &state, at: now)
        }
    }

    /// The session after reading all files at once; nil when it is no other than the one that was used.
    func renewed(after used: Session) throws(KubernetesError) -> Session? {
        guard readsFiles else { return nil }
        let now = environment.now()
        let session = try locked { (state) throws(KubernetesError) in try self.read(into: &state, at: now) }
        return session.authorization == used.authorization && session.requests === used.requests ? nil : session
    }

    private func locked(
        _ body: (inout State) throws(KubernetesError) -> Session
    ) throws(KubernetesError) -> Session {
        let result = state.withLock { state -> Result<Session, KubernetesError> in
            do throws(KubernetesError) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private var readsFiles: Bool {
        if case .file = configuration.authority { return true }
        switch configuration.credential {
        case .tokenFile: return true
        case .token: return false
        case .certificate(let certificate):
            if case .file = certificate.chain { return true }
            return certificate.keyFile != nil
        }
    }

    /// Files that cannot be read for a moment, as while they are replaced, leave everything as it was.
    private func read(into state: inout State, at now: ContinuousClock.Instant) throws(KubernetesError) -> Session {
        do throws(KubernetesError) {
            let material = Material(authority: try pem(configuration.authority), identity: try identity())
            let authorization = try authorization()
            let clients =
                if material == state.material, let session = state.session {
                    (requests: session.requests, watches: session.watches)
                } else {
                    (requests: try client(material), watches: try client(material))
                }
            let session = Session(
                requests: clients.requests, watches: clients.watches, authorization: authorization)
            (state.material, state.session, state.readAt) = (material, session, now)
            return session
        } catch {
            guard let session = state.session else { throw error }
            logger.warning("credentials are used as they were read before: \(error.message)")
            state.readAt = now + min(.zero, Self.pauseAfterFailure - configuration.rereadInterval)
            return session
        }
    }

    private func pem(_ authority: KubernetesConfiguration.Authority) throws(KubernetesError) -> String {
        switch authority {
        case .pem(let text): try CredentialFile.certificates(text, named: "The certification authority")
        case .file(let path): try CredentialFile.certificates(path)
        }
    }

    private func identity() throws(KubernetesError) -> HTTPClientIdentity? {
        guard case .certificate(let certificate) = configuration.credential else { return nil }
        let chain = try pem(certificate.chain)
        if let key = certificate.key { return HTTPClientIdentity(certificatePEM: chain, keyPEM: key) }
        guard let file = certificate.keyFile else {
            throw KubernetesError(.configuration, message: "The client certificate has no key.")
        }
        return HTTPClientIdentity(certificatePEM: chain, keyPEM: try CredentialFile.key(file))
    }

    private func authorization() throws(KubernetesError) -> String? {
        let token: SecretBytes
        switch configuration.credential {
        case .token(let given): token = try CredentialFile.token(given, named: "The configured token")
        case .tokenFile(let path): token = try CredentialFile.token(path)
        case .certificate: return nil
        }
        return token.withUnsafeBytes { "Bearer " + String(decoding: $0, as: UTF8.self) }
    }

    private func client(_ material: Material) throws(KubernetesError) -> HTTPClient {
        do throws(HTTPTransportError) {
            return try HTTPClient(
                configuration: HTTPClientConfiguration(
                    trustAnchorsPEM: material.authority, systemTrust: false, clientIdentity: material.identity,
                    proxy: configuration.proxy, userAgent: configuration.userAgent,
                    maximumResponseBytes: configuration.maximumResponseBytes))
        } catch {
            throw KubernetesError(.configuration, message: error.message)
        }
    }
}

extension ServerAccess.Session: CustomStringConvertible, CustomReflectable {
    var description: String { "session" }
    /// Nothing is shown: the header is the token.
    var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
