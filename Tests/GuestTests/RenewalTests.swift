import Encodings
import Foundation
import GuestTestSupport
import JOSE
import Synchronization
import Testing

@testable import Guest

/// Renewal of tokens before they end.
@Suite("Renewal ahead of time")
struct RenewalTests {
    private let time = TestClock()

    /// A source whose attestations succeed until they are told not to.
    private final class Attestations: Sendable {
        let error = Mutex<GuestError?>(nil)

        func source(_ time: TestClock) -> TokenSource {
            TokenSource(clock: time.clock, refusalHold: .seconds(10), metrics: GuestMetrics()) { [self] in
                if let error = error.withLock({ $0 }) { return .failure(error) }
                let now = time.clock.now()
                let claims: JSONObject = ["exp": .int(Int64(now.timeIntervalSince1970) + 1000)]
                let payload = Base64.encodeURL(claims.serialized())
                guard let key = try? JWEPrivateKey.generate() else {
                    return .failure(GuestError(.evidence, "no key"))
                }
                do throws(GuestError) {
                    return .success(try AttestedToken(token: "e30.\(payload).eA", key: key, now: now))
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    @Test("GC 10.2.6: asking for readiness gets a token, and is no use that would renew it ahead of time")
    func probed() async throws {
        let source = Attestations().source(time)
        try await source.require()
        #expect(await source.attestations == 1)
        time.advance(by: 851)
        _ = await source.renewAhead()
        #expect(await source.attestations == 1)
        _ = try await source.token()
        _ = await source.renewAhead()
        #expect(await source.attestations == 2)
    }

    @Test("GC 10.2.2: a token in use is renewed between 70 and 85 % of its life, without anybody waiting")
    func window() async throws {
        let source = Attestations().source(time)
        let first = try await source.token()
        time.advance(by: 699)
        #expect(await source.renewAhead().failure == nil)
        #expect(await source.attestations == 1)
        time.advance(by: 152)
        _ = await source.renewAhead()
        #expect(await source.attestations == 2)
        #expect(try await source.token().received > first.received)
        #expect(await source.attestations == 2)
    }

    @Test("a token that nobody uses is left to end")
    func idle() async throws {
        let source = Attestations().source(time)
        _ = try await source.token()
        time.advance(by: 860)
        _ = await source.renewAhead()
        #expect(await source.attestations == 2)
        // Nobody asked since.
        for _ in 0..<5 {
            time.advance(by: 860)
            _ = await source.renewAhead()
        }
        #expect(await source.attestations == 2)
    }

    @Test("a refused renewal is not repeated in the background; one that failed for the moment is, and not at once")
    func failures() async throws {
        let attestations = Attestations()
        let source = attestations.source(time)
        _ = try await source.token()
        time.advance(by: 860)
        attestations.error.withLock { $0 = GuestError(.unavailable, "away") }
        for _ in 0..<10 { _ = await source.renewAhead() }
        #expect(await source.attestations == 2)
        time.advance(by: 5)
        attestations.error.withLock { $0 = GuestError(.attestationFailed, "no") }
        _ = await source.renewAhead()
        #expect(await source.attestations == 3)
        for _ in 0..<10 {
            time.advance(by: 12)
            _ = await source.renewAhead()
        }
        #expect(await source.attestations == 3)
    }
}
