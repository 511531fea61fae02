import Encodings
import HTTPTransport
import JOSE
import KBSProtocol
import RATS

/// Requests as a sample guest makes them.
struct GuestLoad: Sendable {
    private let http: HTTPClient
    private let url: String
    private let key: JWEPrivateKey

    init(broker: BrokerUnderTest) throws {
        http = try HTTPClient(
            configuration: .init(trustAnchorsPEM: broker.trustAnchorsPEM, systemTrust: false))
        url = broker.url
        key = try JWEPrivateKey.generate(.ecP256)
    }

    /// One challenge: its nonce and cookie.
    func challenge() async throws -> (nonce: String, cookie: String) {
        let answer = try await post("auth", AuthRequest(version: .v0_4_0, tee: .sample).serialized(), cookie: nil)
        return (try Challenge(parsing: answer.body).nonce, try Self.cookie(of: answer))
    }

    /// A whole handshake; the session's cookie.
    func attest() async throws -> String {
        let (nonce, cookie) = try await challenge()
        let digest = try ReportData.digest(nonce: nonce, teeKey: key.publicJWK, additionalEvidence: "")
        let body = AttestationBody(
            nonce: nonce, teeKey: key.publicJWK,
            primaryEvidence: ["svn": "1", "report_data": .string(Base64.encode(digest))])
        return try Self.cookie(of: try await post("attest", body.serialized(), cookie: cookie))
    }

    /// One fetch; throws unless the answer is a JWE.
    func fetch(_ path: String, cookie: String) async throws {
        let answer = try await http.send(
            .init(method: "GET", url: "\(url)/kbs/v0/resource/\(path)", headers: [("Cookie", cookie)]))
        guard answer.status == 200 else { throw BenchError("fetch answered \(answer.status)") }
    }

    /// Opens one fetched resource, to know that the load measures what it says.
    func fetchAndOpen(_ path: String, cookie: String) async throws -> SecretBytes {
        let answer = try await http.send(
            .init(method: "GET", url: "\(url)/kbs/v0/resource/\(path)", headers: [("Cookie", cookie)]))
        guard answer.status == 200 else { throw BenchError("fetch answered \(answer.status)") }
        return try key.decrypt(answer.body)
    }

    private func post(_ name: String, _ body: [UInt8], cookie: String?) async throws -> HTTPResponse {
        var headers: [(name: String, value: String)] = [("Content-Type", "application/json")]
        if let cookie { headers.append(("Cookie", cookie)) }
        let answer = try await http.send(
            .init(method: "POST", url: "\(url)/kbs/v0/\(name)", headers: headers, body: body))
        guard answer.status == 200 else { throw BenchError("\(name) answered \(answer.status)") }
        return answer
    }

    private static func cookie(of answer: HTTPResponse) throws -> String {
        guard let text = answer.header("set-cookie"), let end = text.firstIndex(of: ";") else {
            throw BenchError("The answer sets no cookie.")
        }
        return String(text[..<end])
    }
}
