import Foundation
import Hummingbird
import struct HTTPTransport.HTTPRequest
import Testing

@testable import HTTPTransport

@Suite("Proxies")
struct ProxyTests {
    // In processes of their own: the environment is shared by all tests of this one.
    @Test("proxy variables of the environment are ignored")
    func environment() async {
        await #expect(processExitsWith: .success) {
            for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
                setenv(name, "http://127.0.0.1:9", 1)
            }
            try await LocalServer.run { router in
                router.get("/") { _, _ in "direct" }
            } _: { server in
                let client = try HTTPClient(configuration: HTTPClientTests.plain)
                let response = try await client.send(HTTPRequest(url: "http://127.0.0.1:\(server.port)/"))
                try #require(String(decoding: response.body, as: UTF8.self) == "direct")
            }
        }
    }

    @Test("the given proxy is used even where no_proxy names the host")
    func given() async {
        await #expect(processExitsWith: .success) {
            setenv("no_proxy", "*", 1)
            try await LocalServer.run { router in
                router.get("/") { request, _ in "proxied \(request.head.authority ?? "")" }
            } _: { server in
                let client = try HTTPClient(
                    configuration: .init(
                        systemTrust: false, proxy: "http://127.0.0.1:\(server.port)", insecureHTTPAllowed: true))
                let response = try await client.send(HTTPRequest(url: "http://broker.invalid/"))
                try #require(String(decoding: response.body, as: UTF8.self).contains("broker.invalid"))
            }
        }
    }

    @Test("a proxy must be a URL")
    func malformed() {
        #expect(throws: HTTPTransportError.self) { try HTTPClient(configuration: .init(proxy: "127.0.0.1:3128")) }
    }
}
