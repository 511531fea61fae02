import Hummingbird
import struct HTTPTransport.HTTPRequest
import Testing

@testable import HTTPTransport

@Suite("Outbound TLS")
struct TLSTests {
    @Test("a server under the given authority is accepted, also one that offers HTTP/2", arguments: [false, true])
    func ownAuthority(http2: Bool) async throws {
        let certificates = try TestCertificates()
        try await LocalServer.run(http2 ? .http2(certificates) : .tls(certificates)) { router in
            router.get("/") { _, _ in "hello" }
        } _: { server in
            let client = try HTTPClient(
                configuration: .init(trustAnchorsPEM: certificates.authorityPEM, systemTrust: false))
            let response = try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
            #expect(String(decoding: response.body, as: UTF8.self) == "hello")
        }
    }

    @Test("a server under an unknown authority is refused", arguments: [true, false])
    func unknownAuthority(systemTrust: Bool) async throws {
        let certificates = try TestCertificates()
        let stranger = try TestCertificates()
        try await LocalServer.run(.tls(certificates)) { router in
            router.get("/") { _, _ in "hello" }
        } _: { server in
            for anchors in [nil, stranger.authorityPEM] {
                let client = try HTTPClient(
                    configuration: .init(trustAnchorsPEM: anchors, systemTrust: systemTrust, insecureHTTPAllowed: true))
                await #expect { try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/")) } throws: {
                    ($0 as? HTTPTransportError)?.code == .tls
                }
            }
        }
    }

    @Test("the name in the certificate must be the host asked for")
    func wrongName() async throws {
        let certificates = try TestCertificates()
        try await LocalServer.run(.tls(certificates)) { router in
            router.get("/") { _, _ in "hello" }
        } _: { server in
            let client = try HTTPClient(
                configuration: .init(trustAnchorsPEM: certificates.authorityPEM, systemTrust: false))
            await #expect { try await client.send(HTTPRequest(url: "https://localhost:\(server.port)/")) } throws: {
                ($0 as? HTTPTransportError)?.code == .tls
            }
        }
    }
}
