public import Encodings
import FoundationEssentials
import HTTPTransport
import JOSE
public import KBSProtocol

/// A guest's client of one key broker: attests once for the life of a token and fetches resources with it.
public final class KBSClient: Sendable, ResourceSource {
    private let connection: BrokerConnection
    private let tokens: TokenSource

    /// A client that attests with `attester`.
    ///
    /// - Throws: `GuestError` with `invalid_request` when the address, certificates or init-data cannot be used.
    public init(_ configuration: KBSClientConfiguration, attester: any Attester) throws(GuestError) {
        if let initData = configuration.initData {
            do throws(KBSProtocolError) {
                _ = try InitData(toml: initData)
            } catch {
                throw GuestError(.invalidRequest, "The init-data document cannot be used: \(error.message)")
            }
        }
        connection = try BrokerConnection(configuration)
        let handshake = Handshake(
            connection: connection, attester: attester, keyKind: configuration.keyKind,
            initData: configuration.initData, clock: configuration.clock)
        tokens = TokenSource(
            clock: configuration.clock, refusalHold: configuration.refusalHold, metrics: configuration.metrics
        ) {
            do throws(GuestError) {
                return .success(try await handshake.run())
            } catch {
                return .failure(error)
            }
        }
    }

    /// How many attestations were started.
    public var attestations: Int {
        get async { await tokens.attestations }
    }

    /// Brings the metrics that depend on the time, such as the token's age, up to date.
    public func refreshMetrics() async {
        await tokens.observe()
    }

    /// The current attestation token with its key; attests when there is none.
    ///
    /// - Throws: `GuestError`.
    public func token() async throws(GuestError) -> AttestedToken {
        try await tokens.token()
    }

    /// Fetches and opens a resource.
    ///
    /// A 401 leads to one new attestation and one more attempt; every other refusal ends the request at once.
    ///
    /// - Throws: `GuestError`; refusals carry the broker's code and decision id.
    public func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        let token = try await tokens.token()
        let response = try await connection.get(uri.requestTarget, bearer: token.token)
        guard response.status != 200 else { return try open(response, with: token, uri) }
        let refusal = BrokerRefusal(response)
        guard refusal.asksForAttestation, let renewed = try await tokens.token(inPlaceOf: token) else {
            throw refusal.releaseError(of: uri)
        }
        let second = try await connection.get(uri.requestTarget, bearer: renewed.token)
        guard second.status == 200 else { throw BrokerRefusal(second).releaseError(of: uri) }
        return try open(second, with: renewed, uri)
    }

    /// Stores a resource by an admin's token; a path that exists gets a new version.
    ///
    /// - Throws: `GuestError`, also when the broker does not confirm.
    public func register(
        _ value: SecretBytes, at path: ResourcePath, adminToken: SecretBytes
    ) async throws(GuestError) {
        var body = value.copyBytes()
        defer { wipe(&body) }
        let response = try await connection.post(
            "resource/\(path)", body: body, contentType: "application/octet-stream", bearer: adminToken)
        guard !(200...204).contains(response.status) else { return }
        let refusal = BrokerRefusal(response)
        let detail = refusal.detailSentence
        switch response.status {
        case 401, 403:
            throw GuestError(
                .denied, "The broker does not let this agent register \(path)\(detail)", brokerCode: refusal.code,
                decisionID: refusal.decisionID)
        case 429, 502...504:
            throw GuestError(
                .unavailable, "The broker cannot register \(path) now\(detail)", retryAfter: refusal.retryAfter)
        default:
            throw GuestError(.unexpected, "The broker answered \(response.status) to registering \(path)\(detail)")
        }
    }

    private func open(
        _ response: HTTPResponse, with token: AttestedToken, _ uri: ResourceURI
    ) throws(GuestError) -> SecretBytes {
        do throws(JOSEError) {
            return try token.key.decrypt(response.body)
        } catch {
            throw GuestError(
                .undecryptable, "The broker's answer for \(uri) does not open with the TEE key: \(error.message)")
        }
    }
}
