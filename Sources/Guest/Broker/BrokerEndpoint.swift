import Encodings
import HTTPTransport
import JOSE
import KBSProtocol

/// A broker at one of its addresses, with the token that it gave: tokens of one address are never shown to another.
struct BrokerEndpoint: Sendable {
    let connection: BrokerConnection
    let tokens: TokenSource

    init(
        _ url: String?, _ configuration: KBSClientConfiguration, attester: any Attester
    ) throws(GuestError) {
        let connection = try BrokerConnection(configuration, at: url)
        let handshake = Handshake(
            connection: connection, attester: attester, keyKind: configuration.keyKind,
            initData: configuration.initData, clock: configuration.clock)
        self.connection = connection
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

    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        let token = try await tokens.token()
        let response = try await connection.get(uri.requestTarget, bearer: token.token)
        guard response.status != 200 else { return try Self.open(response, with: token, uri) }
        let refusal = BrokerRefusal(response)
        guard refusal.asksForAttestation, let renewed = try await tokens.token(inPlaceOf: token) else {
            throw refusal.releaseError(of: uri)
        }
        let second = try await connection.get(uri.requestTarget, bearer: renewed.token)
        guard second.status == 200 else { throw BrokerRefusal(second).releaseError(of: uri) }
        return try Self.open(second, with: renewed, uri)
    }

    func register(_ value: SecretBytes, at path: ResourcePath, adminToken: SecretBytes) async throws(GuestError) {
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

    private static func open(
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
