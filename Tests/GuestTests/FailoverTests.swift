import Encodings
import Foundation
import GuestTestSupport
import JOSE
import KBSProtocol
import Testing

@testable import Guest

/// A broker with several addresses.
@Suite("Failover", .timeLimit(.minutes(5)))
struct FailoverTests {
    static let uri = "kbs:///default/key/1"
    static let nowhere = "http://127.0.0.1:9"

    private static func client(_ urls: [String], _ time: TestClock = TestClock(Date())) throws -> KBSClient {
        let configuration = KBSClientConfiguration(
            url: urls.first, furtherURLs: Array(urls.dropFirst()), insecureHTTPAllowed: true, clock: time.clock)
        return try KBSClient(configuration, attester: SampleAttester())
    }

    @Test("GC 10.1.16: when the first address cannot be reached the second is asked, and kept to")
    func unreachable() async throws {
        try await FakeKBS.run { broker, url in
            broker.put("default/key/1", [7])
            let client = try Self.client([Self.nowhere, url])
            for _ in 0..<5 { #expect(try await client.resource(ResourceURI(Self.uri)) == SecretBytes([7])) }
            #expect(broker.attestations == 1)
            // One at the address that is away, one at the other: nobody keeps asking the former.
            #expect(await client.attestations == 2)
        }
    }

    @Test(
        "GC 10.1.16: a broker that fails itself is left, and its token is not shown to the other",
        arguments: [500, 502, 503, 504])
    func failing(status: Int) async throws {
        try await FakeKBS.run { first, firstURL in
            try await FakeKBS.run { second, secondURL in
                first.put("default/key/1", [1])
                second.put("default/key/1", [2])
                let client = try Self.client([firstURL, secondURL])
                #expect(try await client.resource(ResourceURI(Self.uri)) == SecretBytes([1]))
                first.script("resource/default/key/1", .init(status))
                for _ in 0..<3 { #expect(try await client.resource(ResourceURI(Self.uri)) == SecretBytes([2])) }
                #expect(first.attestations == 1 && second.attestations == 1)
                #expect(first.recorded("resource/default/key/1").count == 2)
                let shown = { (broker: FakeKBS) in
                    Set(broker.recorded("resource/default/key/1").compactMap { $0.headers["authorization"] })
                }
                #expect(shown(first).isDisjoint(with: shown(second)))
            }
        }
    }

    @Test("what a broker decides is final: no other address is asked", arguments: [401, 403, 404, 429])
    func decided(status: Int) async throws {
        try await FakeKBS.run { first, firstURL in
            try await FakeKBS.run { second, secondURL in
                second.put("default/key/1", [2])
                first.script("resource/default/key/1", .error(status, .policyDeny, "no (code: x)"))
                let client = try Self.client([firstURL, secondURL])
                await #expect(throws: GuestError.self) { try await client.resource(ResourceURI(Self.uri)) }
                first.script("attest", .error(401, .attestationError, "no (code: x)"))
                let other = try Self.client([firstURL, secondURL])
                await #expect(throws: GuestError.self) { try await other.token() }
                #expect(second.targets.isEmpty)
            }
        }
    }

    @Test("GC 10.1.16: after a while the first address is tried again, once; when it works it is kept")
    func returning() async throws {
        let time = TestClock()
        try await FakeKBS.run(clock: time.clock) { first, firstURL in
            try await FakeKBS.run(clock: time.clock) { second, secondURL in
                first.set(tokenLife: 100_000)
                second.set(tokenLife: 100_000)
                first.put("default/key/1", [1])
                second.put("default/key/1", [2])
                first.script("auth", .init(503))
                let client = try Self.client([firstURL, secondURL], time)
                func fetch() async throws -> SecretBytes { try await client.resource(ResourceURI(Self.uri)) }
                #expect(try await fetch() == SecretBytes([2]))
                time.advance(by: 200)
                #expect(try await fetch() == SecretBytes([2]))
                #expect(first.recorded("auth").count == 1)
                time.advance(by: 200)
                for _ in 0..<3 { #expect(try await fetch() == SecretBytes([2])) }
                #expect(first.recorded("auth").count == 2)
                first.endScript("auth")
                time.advance(by: 400)
                for _ in 0..<3 { #expect(try await fetch() == SecretBytes([1])) }
                #expect(second.attestations == 1)
            }
        }
    }

    @Test("addresses that fail rest for a time that grows up to a minute; while all rest, one is asked")
    func rest() {
        let time = TestClock()
        let order = AddressOrder(count: 2, returnAfter: .seconds(300), clock: time.clock)
        for expected in [1.0, 2, 4, 8, 16, 32, 60, 60] {
            order.failed(0)
            // Whoever asks meanwhile does not prolong the rest.
            order.failed(0)
            #expect(order.candidates() == [1])
            time.advance(by: expected * 0.79)
            #expect(order.candidates() == [1])
            time.advance(by: expected * 0.42)
            #expect(order.candidates() == [0, 1])
        }
        order.failed(0)
        order.failed(1)
        #expect(order.candidates() == [1])
        order.answered(1)
        #expect(order.candidates() == [1])
        order.answered(0)
        #expect(order.candidates() == [0, 1])
    }

    @Test("GC 10.1.16: a broker is reached through the proxy, except where the exceptions name it")
    func proxy() async throws {
        try await FakeKBS.run { proxy, url in
            func client(_ setting: ProxySetting) throws -> KBSClient {
                try KBSClient(
                    KBSClientConfiguration(
                        url: "http://broker.invalid", insecureHTTPAllowed: true, proxy: setting,
                        connectTimeout: .seconds(5)), attester: SampleAttester())
            }
            _ = try? await client(ProxySetting(forAll: url)).token()
            let before = proxy.targets.count
            #expect(before > 0)
            _ = try? await client(ProxySetting(forAll: url, exceptions: "broker.invalid")).token()
            _ = try? await client(ProxySetting(https: url)).token()
            #expect(proxy.targets.count == before)
        }
    }

    @Test("proxies come from the usual variables, never from HTTP_PROXY in capitals")
    func proxyVariables() {
        let setting = ProxySetting(environment: [
            "HTTPS_PROXY": "proxy:3128", "HTTP_PROXY": "http://evil", "NO_PROXY": "a,b", "no_proxy": "",
        ])
        #expect(setting == ProxySetting(https: "http://proxy:3128", exceptions: "a,b"))
        #expect(setting.url(for: "https://x") == "http://proxy:3128" && setting.url(for: "http://x") == nil)
        #expect(ProxySetting(environment: ["https_proxy": "a", "HTTPS_PROXY": "b"]).https == "http://a")
        #expect(ProxySetting(environment: [:]) == .none)
    }

    @Test(
        "GC 9.B.34: resources are sealed to every kind of key that can be chosen",
        arguments: JWEPrivateKey.Kind.allCases)
    func keyKinds(kind: JWEPrivateKey.Kind) async throws {
        try await FakeKBS.run { broker, url in
            broker.put("default/key/1", [7])
            var configuration = plainConfiguration(url)
            configuration.keyKind = kind
            let client = try KBSClient(configuration, attester: SampleAttester())
            #expect(try await client.resource(ResourceURI(Self.uri)) == SecretBytes([7]))
        }
    }
}
