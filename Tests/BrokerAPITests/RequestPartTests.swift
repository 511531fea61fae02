import Broker
import BrokerTestSupport
import Foundation
import HTTPTypes
import KBSProtocol
import NIOCore
import Testing

@testable import BrokerAPI

@Suite("Parts of a request")
struct RequestPartTests {
    @Test("a target is split and never normalised")
    func targets() throws {
        #expect(try RequestTarget("/kbs/v0/resource/a/b/c?x=1").segments == ["kbs", "v0", "resource", "a", "b", "c"])
        #expect(try RequestTarget("/a/").segments == ["a", ""])
        #expect(try RequestTarget("/a//b").segments == ["a", "", "b"])
        #expect(try RequestTarget("/a/%2e%2e").segments == ["a", "%2e%2e"])
        for bad in [
            "", "a", "*", "http://host/a", "/a b", "/a\u{0}", "/a#b", "/ä", "/" + String(repeating: "a", count: 9_000),
        ] {
            #expect(throws: BrokerError.self) { try RequestTarget(bad) }
        }
    }

    @Test("GC 9.H.75: exactly one duplicate slash after resource is tolerated")
    func duplicateSlash() throws {
        func segments(_ text: String) throws -> [String] { try RequestTarget(text).toleratingDuplicateSlash().segments }
        #expect(try segments("/kbs/v0/resource//a/b/c") == ["kbs", "v0", "resource", "a", "b", "c"])
        #expect(try segments("/kbs/v0/resource///a/b") == ["kbs", "v0", "resource", "", "a", "b"])
        #expect(try segments("/kbs/v0//resource/a/b") == ["kbs", "v0", "", "resource", "a", "b"])
        #expect(try segments("/kbs/v0/resource-policy//a/b/c").count == 7)
    }

    @Test(
        "A37: every irregular request path is refused, or names nothing",
        arguments: [
            "resource///a/b/c", "//resource/a/b/c", "/resource/a/b/c", "resource/a//b/c", "resource//a//b/c",
            "resource/a/b/c/", "resource/a/b/c//", "resource/", "resource//", "/", "//", "resource/./a/b",
            "resource/../a/b", "resource//../a", "resource/a/b/..", "..", "./a", "resource/a/b/c%00",
            "resource/a%2fb/c", "resource/a%2Fb/c", "resource/%2e%2e/b/c", "resource/%61/b/c", "resource%2fa/b/c",
            "resource/a/b/c\u{0}", "resource/a/b/с", "resource/a/b/c d", "resource/a\\b/c", "resource/a/b/c#x",
            "resource/a/b/\u{7f}", "resource/a/b/\u{c0}\u{af}",
        ])
    func irregular(_ path: String) throws {
        func name(_ path: String) throws -> ResourcePath? {
            let segments = try RequestTarget("/kbs/v0/" + path).toleratingDuplicateSlash().segments
            guard segments.starts(with: ["kbs", "v0", "resource"]) else { return nil }
            return try ResourcePath(segments: Array(segments.dropFirst(3)))
        }
        #expect(try name("resource//a/b/c") == ResourcePath("a/b/c"))
        #expect((try? name(path)) == nil)
    }

    @Test("a session cookie counts only when there is exactly one")
    func cookies() {
        func value(_ fields: String...) -> String? {
            var headers = HTTPFields()
            for field in fields { headers.append(HTTPField(name: .cookie, value: field)) }
            return SessionCookie.value(in: headers)
        }
        #expect(value("kbs-session-id=abc") == "abc")
        #expect(value("a=b; kbs-session-id=abc ; c=d") == "abc")
        #expect(value("a=b", "kbs-session-id=abc") == "abc")
        #expect(value("kbs-session-id=abc; kbs-session-id=def") == nil)
        #expect(value("kbs-session-id=abc", "kbs-session-id=def") == nil)
        #expect(value("xkbs-session-id=abc") == nil)
    }

    @Test(
        "dates in cookies have the one form that HTTP knows",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (1_795_233_600, "Sat, 21 Nov 2026 04:00:00 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ])
    func dates(_ seconds: Int, _ text: String) {
        #expect(SessionCookie.httpDate(Date(timeIntervalSince1970: TimeInterval(seconds))) == text)
    }

    @Test("a bearer token is taken only from one well-formed field")
    func bearer() {
        func bearer(_ values: String...) -> String? {
            var headers = HTTPFields()
            for value in values { headers.append(HTTPField(name: .authorization, value: value)) }
            return Exchange.bearer(in: headers)
        }
        #expect(bearer("Bearer a.b.c") == "a.b.c")
        #expect(bearer("bearer a.b.c") == nil)
        #expect(bearer("Bearer a b") == nil)
        #expect(bearer("Bearer ") == nil)
        #expect(bearer("Basic abc") == nil)
        #expect(bearer("Bearer a", "Bearer b") == nil)
    }

    @Test("A6: a bucket empties, fills again with time, and remembers only so many sources")
    func limiter() {
        let limiter = SourceRateLimiter(rate: 10, burst: 5, capacity: 100)
        let start = ContinuousClock.now
        #expect((0..<6).map { _ in limiter.admits("a", at: start) } == [true, true, true, true, true, false])
        #expect(limiter.admits("b", at: start))
        #expect(limiter.admits("a", at: start + .milliseconds(150)))
        #expect(!limiter.admits("a", at: start + .milliseconds(160)))
        for number in 0..<10_000 { _ = limiter.admits("source \(number)", at: start + .milliseconds(200)) }
        #expect(limiter.sourceCount <= 100)
        #expect(!limiter.admits("a newcomer in a flood", at: start + .milliseconds(200)))
        #expect(limiter.admits("a newcomer later", at: start + .seconds(60)))
        #expect(limiter.sourceCount <= 100)
    }

    @Test("A6: a flood of newcomers does not make the limiter look through all sources each time")
    func limiterSweeps() {
        let limiter = SourceRateLimiter(rate: 10, burst: 5, capacity: 100)
        let start = ContinuousClock.now
        func fill(at time: ContinuousClock.Instant) {
            for number in 0..<100 { _ = limiter.admits("source \(number)", at: time) }
        }
        fill(at: start)
        #expect(limiter.admits("first newcomer", at: start + .milliseconds(500)))
        #expect(limiter.sourceCount == 1)
        fill(at: start + .milliseconds(600))
        #expect(limiter.sourceCount == 100)
        #expect(limiter.admits("second newcomer", at: start + .milliseconds(1_400)))
        #expect(limiter.sourceCount == 100)
        #expect(limiter.admits("third newcomer", at: start + .milliseconds(1_600)))
        #expect(limiter.sourceCount == 1)
    }

    @Test("an IPv6 source is counted by its network, a mapped IPv4 source by its address")
    func sources() throws {
        func key(_ address: String) throws -> String {
            BrokerRequestContext.rateLimitKey(try SocketAddress(ipAddress: address, port: 1))
        }
        #expect(try key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9"))
        #expect(try key("2001:db8:1:2::1") != key("2001:db8:1:3::1"))
        #expect(try key("192.0.2.1") == key("::ffff:192.0.2.1"))
        #expect(try key("192.0.2.1") != key("192.0.2.2"))
    }
}
