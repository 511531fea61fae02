import Foundation
import Testing

import struct HTTPTransport.HTTPRequest

@testable import HTTPTransport

@Suite("The time to connect")
struct ConnectTimeoutTests {
    @Test("a connection that does not come about ends after its own time, not after that of the whole exchange")
    func noConnection() async throws {
        let server = try FullServer()
        let client = try HTTPClient(configuration: HTTPClientTests.plain)
        let start = ContinuousClock.now
        await #expect {
            try await client.send(
                HTTPRequest(
                    url: "http://127.0.0.1:\(server.port)/", timeout: .seconds(900), connectTimeout: .milliseconds(300))
            )
        } throws: { ($0 as? HTTPTransportError)?.code == .timeout }
        #expect(start.duration(to: .now) < .seconds(300))
        await #expect {
            try await client.send(HTTPRequest(url: "http://127.0.0.1:1/", connectTimeout: .zero))
        } throws: { ($0 as? HTTPTransportError)?.code == .invalidRequest }
    }
}

/// A listener whose queue is full: the kernel answers nobody who wants to connect.
private final class FullServer: Sendable {
    let port: Int
    private let descriptors: [Int32]

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, size) | listen(listener, 0) | getsockname(listener, pointer, &size)
            }
        }
        try #require(status == 0)
        var descriptors = [listener]
        for _ in 0..<8 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            _ = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(filler, $0, size) }
            }
            descriptors.append(filler)
        }
        self.descriptors = descriptors
        port = Int(in_port_t(bigEndian: address.sin_port))
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
