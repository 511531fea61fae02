import BrokerTestSupport
import Encodings
import Foundation
import JOSE
import Storage
import Testing

@testable import Broker

@Suite("Tokens of other issuers")
struct PassportTests {
    /// An issuer elsewhere and a broker here that trusts it by its certificate authority or by a key set.
    private func brokers(
        byCertificate: Bool, audience: String? = "claviger-kbs",
        configure: @Sendable (inout BrokerConfiguration) -> Void = { _ in }
    ) async throws -> (issuer: TestBroker, here: TestBroker, folder: URL) {
        let issuer = try await TestBroker.make { $0.token.issuer = "elsewhere" }
        let folder = FileManager.default.temporaryDirectory.appending(path: "claviger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = try #require(issuer.broker.signingKeys.accepted(at: Date()).first)
        let file = folder.appending(path: "trust")
        if byCertificate {
            let root =
                "-----BEGIN CERTIFICATE-----\n\(Base64.encode(try #require(key.certificates.last)))\n-----END CERTIFICATE-----\n"
            try Data(root.utf8).write(to: file)
        } else {
            var jwk = key.key.publicJWK
            jwk["kid"] = "one"
            try Data(JSONValue.object(["keys": [.object(jwk)]]).serialized()).write(to: file)
        }
        let configuration = PassportIssuerConfiguration(
            issuer: "elsewhere", audience: audience, jwkSetFile: byCertificate ? nil : file.path,
            certificateFile: byCertificate ? file.path : nil)
        let here = try await TestBroker.make(policies: TestPolicies.allowAll) {
            $0.passport = [configuration]
            configure(&$0)
        }
        try await here.put("a/b/c", "secret")
        return (issuer, here, folder)
    }

    @Test("a token whose certificates lead to the configured root unlocks resources")
    func byCertificate() async throws {
        let (issuer, here, folder) = try await brokers(byCertificate: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let guest = try SampleGuest()
        let token = try await issuer.attest(guest).token
        let message = try await here.release("a/b/c", bearer: token)
        #expect(try guest.key.decrypt(message).copyBytes() == Array("secret".utf8))

        let stranger = try await TestBroker.make { $0.token.issuer = "elsewhere" }
        let forged = try await stranger.attest(guest).token
        let error = try await brokerError { _ = try await here.release("a/b/c", bearer: forged) }
        #expect(error?.code == "untrusted_certificate")
    }

    @Test(
        "A24: a bare key in the header is never believed, neither with certificates nor with a key set",
        arguments: [true, false])
    func bareKey(_ byCertificate: Bool) async throws {
        let (issuer, here, folder) = try await brokers(byCertificate: byCertificate)
        defer { try? FileManager.default.removeItem(at: folder) }
        let token = try JWS(compact: try await issuer.attest(SampleGuest()).token)
        let thief = try SigningKey.generate(.es256)
        for header: JSONObject in [
            ["typ": "JWT", "alg": "ES256", "jwk": .object(thief.publicJWK)],
            ["typ": "JWT", "alg": "ES256", "jku": "https://example.test/keys"],
            ["typ": "JWT", "alg": "ES256", "kid": "one"],
            ["typ": "JWT", "alg": "ES256", "x5c": token.header["jwk"]?["x5c"] ?? .null],
        ] {
            let forged = try JWS.sign(header: header, payload: token.payload, with: thief)
            let error = try await brokerError { _ = try await here.release("a/b/c", bearer: forged) }
            #expect(error?.kind == .unauthenticated)
        }
    }

    @Test("a token signed by a key of the configured set unlocks resources, named by kid")
    func byKeySet() async throws {
        let (issuer, here, folder) = try await brokers(byCertificate: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let guest = try SampleGuest()
        let token = try JWS(compact: try await issuer.attest(guest).token)
        let key = try #require(issuer.broker.signingKeys.accepted(at: Date()).first?.key)
        let header: JSONObject = ["typ": "JWT", "alg": "ES256", "kid": "one"]
        let signed = try JWS.sign(header: header, payload: token.payload, with: key)
        let message = try await here.release("a/b/c", bearer: signed)
        #expect(try guest.key.decrypt(message).copyBytes() == Array("secret".utf8))
    }

    @Test("A24: a token for another audience is refused", arguments: ["somebody-else", nil])
    func audience(_ expected: String?) async throws {
        let (issuer, here, folder) = try await brokers(byCertificate: true, audience: expected)
        defer { try? FileManager.default.removeItem(at: folder) }
        let token = try await issuer.attest(SampleGuest()).token
        let error = try await brokerError { _ = try await here.release("a/b/c", bearer: token) }
        #expect(error?.code == "wrong_audience")
    }

    @Test("a token that names no protocol version does not open what needs a newer one")
    func noProtocolVersion() async throws {
        let (issuer, here, folder) = try await brokers(byCertificate: false) {
            $0.protocolVersions.resourceMinimumVersions = ["new/*/*": "0.4.0"]
        }
        defer { try? FileManager.default.removeItem(at: folder) }
        try await here.put("new/b/c", "secret")
        let token = try JWS(compact: try await issuer.attest(SampleGuest()).token)
        let key = try #require(issuer.broker.signingKeys.accepted(at: Date()).first?.key)
        let header: JSONObject = ["typ": "JWT", "alg": "ES256", "kid": "one"]
        let named = try JWS.sign(header: header, payload: token.payload, with: key)
        _ = try await here.release("new/b/c", bearer: named)

        var unnamed = try JSONObject(parsing: token.payload)
        #expect(unnamed["claviger.protocol-version"] == "0.4.0")
        unnamed["claviger.protocol-version"] = nil
        let bearer = try JWS.sign(header: header, payload: unnamed.serialized(), with: key)
        _ = try await here.release("a/b/c", bearer: bearer)
        let error = try await brokerError { _ = try await here.release("new/b/c", bearer: bearer) }
        #expect(error?.code == "protocol_too_old")
    }

    @Test("A28: the revocation of another issuer's token outlives any token")
    func longRevocation() async throws {
        let (issuer, here, folder) = try await brokers(byCertificate: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let token = try await issuer.attest(SampleGuest()).token
        let id = try #require(try JWTClaims(payload: JWS(compact: token).payload).tokenID)
        let answer = try await here.broker.revoke(
            RevocationTarget(kind: .token, value: id), reason: "stolen", by: "test")
        let until = try Date(try #require(answer["until"]?.stringValue), strategy: .iso8601)
        #expect(until > Date().addingTimeInterval(9 * 365 * 86_400))
        let error = try await brokerError { _ = try await here.release("a/b/c", bearer: token) }
        #expect(error?.code == "revoked")
    }

    @Test("two issuers of one name are a configuration error")
    func sameName() async throws {
        let (_, here, folder) = try await brokers(byCertificate: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let issuer = PassportIssuerConfiguration(
            issuer: "elsewhere", certificateFile: folder.appending(path: "trust").path)
        await #expect(throws: ConfigurationError.self) {
            try await TestBroker.make(policies: nil, store: here.store) { $0.passport = [issuer, issuer] }
        }
    }

    @Test("an issuer without any trust material, or with this broker's own name, is a configuration error")
    func misconfigured() async throws {
        let store = try await TestBroker.make(policies: nil).store
        for issuer in [
            PassportIssuerConfiguration(issuer: "x", certificateFile: "/nonexistent/file"),
            PassportIssuerConfiguration(issuer: "x"),
        ] {
            await #expect(throws: ConfigurationError.self) {
                try await TestBroker.make(policies: nil, store: store) { $0.passport = [issuer] }
            }
        }
    }
}
