import Collateral
import Foundation
import HTTPTransport
import RATS
import Testing

@Suite("Publishers' services", .timeLimit(.minutes(5)))
struct PublisherTests {
    private static let client = HTTPClientConfiguration(systemTrust: false, insecureHTTPAllowed: true)
    private let tcbTarget = "/tdx/certification/v4/tcb?fmspc=90C06F000000&update=standard"
    private let identityTarget = "/tdx/certification/v4/qe/identity?update=standard"

    private func intel(
        _ server: StandIn, _ face: IntelProvisioning.Face = .pcs, timeout: Duration = .seconds(20)
    ) throws -> PublishedOrigin {
        let publisher = try #require(
            IntelProvisioning(
                face, baseURL: server.url + "/", rootListURL: face == .pcs ? server.url + "/IntelSGXRootCA.der" : nil))
        return try PublishedOrigin(publisher, configuration: Self.client, timeout: timeout)
    }

    private func amd(_ server: StandIn) throws -> PublishedOrigin {
        let publisher = try #require(AMDKeyDistribution(baseURL: server.url))
        return try PublishedOrigin(publisher, configuration: Self.client, timeout: .seconds(20))
    }

    private func tcbAnswer() throws -> StandIn.Answer {
        StandIn.Answer(
            headers: [("TCB-Info-Issuer-Chain", try Recorded.header("tdx/tcb_signing_chain.pem"))],
            body: try Recorded.bytes("tdx/tcb_info.json"))
    }

    @Test(
        "Intel's collateral is asked for by the paths of the API, and comes byte by byte, with the chains of the headers"
    )
    func intelItems() async throws {
        try await StandIn.run { server in
            server.answer(tcbTarget, try tcbAnswer())
            server.answer(
                identityTarget,
                .init(
                    headers: [("SGX-Enclave-Identity-Issuer-Chain", try Recorded.header("tdx/qe_identity_chain.pem"))],
                    body: try Recorded.bytes("tdx/qe_identity.json")))
            server.answer(
                "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
                .init(
                    headers: [("SGX-PCK-CRL-Issuer-Chain", try Recorded.header("tdx/pck_crl_chain.pem"))],
                    body: try Recorded.bytes("tdx/pck_crl.der")))
            server.answer("/IntelSGXRootCA.der", .init(body: try Recorded.bytes("tdx/root_ca_crl.der")))
            let test = try await TestCache.make([try intel(server)], inspectors: [RecordedInspector()])
            #expect(
                try await test.cache.item(Recorded.tcb)
                    == Recorded.item("tdx/tcb_info.json", chain: "tdx/tcb_signing_chain.pem"))
            #expect(
                try await test.cache.item(Recorded.identity)
                    == Recorded.item("tdx/qe_identity.json", chain: "tdx/qe_identity_chain.pem"))
            #expect(
                try await test.cache.item(Recorded.platformList)
                    == Recorded.item("tdx/pck_crl.der", chain: "tdx/pck_crl_chain.pem"))
            #expect(try await test.cache.item(.intelRootRevocationList) == Recorded.item("tdx/root_ca_crl.der"))
            #expect(server.requests.count == 4)
            #expect(try await test.cache.entry(Recorded.tcb).validity.sequence == 18)
        }
    }

    @Test("a cache of Intel's collateral hands lists out as hexadecimal text")
    func cacheOfIntel() async throws {
        try await StandIn.run { server in
            let list = try Recorded.bytes("tdx/root_ca_crl.der")
            let text = list.map { String(format: "%02X", $0) }.joined()
            server.answer("/sgx/certification/v4/rootcacrl", .init(body: Array(text.utf8)))
            let origin = try intel(server, .pccs)
            #expect(try await origin.item(.intelRootRevocationList).body == list)
        }
    }

    @Test("AMD's collateral is asked for by product, chip and levels, and is had once for ever")
    func amdItems() async throws {
        try await StandIn.run { server in
            let target = "/vcek/v1/Milan/\(Recorded.chip)?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115"
            server.answer(target, .init(body: try Recorded.bytes("snp/milan-vcek.der")))
            server.answer("/vcek/v1/Milan/crl", .init(body: try Recorded.bytes("snp/milan.crl")))
            let test = try await TestCache.make([try amd(server)], inspectors: [RecordedInspector()])
            #expect(try await test.cache.item(Recorded.vcek) == Recorded.item("snp/milan-vcek.der"))
            #expect(try await test.cache.item(Recorded.milanList) == Recorded.item("snp/milan.crl"))
            test.clock.advance(by: 86_400 * 365 * 3)
            #expect(try await test.cache.item(Recorded.vcek) == Recorded.item("snp/milan-vcek.der"))
            #expect(server.requests == [target, "/vcek/v1/Milan/crl"])
        }
    }

    @Test("Turin's chips have 8 bytes and a level more, which the service wants first")
    func turin() throws {
        let name = try #require(
            CollateralName.amdVCEK(
                product: "turin", hardwareID: [9, 0x10, 0xB4, 0xF8, 0x84, 0xFF, 0x4B, 0xA9],
                levels: [("fmc", 1), ("bl", 3), ("tee", 2), ("snp", 5), ("ucode", 97)]))
        let request = AMDKeyDistribution()?.request(for: name)
        #expect(
            request?.url
                == "https://kdsintf.amd.com/vcek/v1/Turin/0910b4f884ff4ba9?fmcSPL=01&blSPL=03&teeSPL=02&snpSPL=05&ucodeSPL=97"
        )
    }

    @Test(
        "names that are almost right make no request",
        arguments: [
            "amd/vcek/milan/zz/bl3", "amd/vcek/mi1an/00/bl3", "amd/vcek/milan/00/bl3_bl4", "amd/vcek/milan/00/bl300",
            "amd/vcek/milan/00/xx3", "amd/vcek/milan/00", "amd/crl/milan/ark", "intel/tcb/tdx/00/standard",
            "intel/tcb/tdx/90c06f000000/late", "intel/tcb/sev/90c06f000000/early", "intel/qe/tdx", "intel/crl/leaf",
            "nvidia/rim/a/b",
        ])
    func almost(path: String) throws {
        let name = try #require(CollateralName(path))
        #expect(AMDKeyDistribution()?.request(for: name) == nil)
        #expect(IntelProvisioning()?.request(for: name) == nil)
    }

    @Test(
        "addresses that are none are refused",
        arguments: [
            "", "kds", "ftp://a", "https://", "https:///x", "https://a@b", "https://a?x", "https://a b", "https://a\\b",
        ])
    func addresses(url: String) {
        #expect(AMDKeyDistribution(baseURL: url) == nil)
        #expect(IntelProvisioning(baseURL: url) == nil)
    }

    @Test("the chain of another signer, or another platform's levels, are refused")
    func wrongChain() async throws {
        try await StandIn.run { server in
            var answer = try tcbAnswer()
            answer.headers = [("TCB-Info-Issuer-Chain", try Recorded.header("tdx/pck_crl_chain.pem"))]
            server.answer(tcbTarget, answer)
            server.answer("/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard", try tcbAnswer())
            let test = try await TestCache.make([try intel(server)], inspectors: [RecordedInspector()])
            #expect(await test.code(Recorded.tcb) == "signature_invalid")
            let other = CollateralName.intelTCBInfo(
                .tdx, fmspc: [0, 0x80, 0x6F, 5, 0, 0], channel: .standard)
            #expect(await test.code(other) == "signature_invalid")
            #expect(
                test.metrics.prometheusText().contains(
                    "claviger_collateral_refused_total{code=\"signature_invalid\"} 2"))
        }
    }

    @Test("truncated, empty, foreign and oversized answers are refused")
    func malformed() async throws {
        try await StandIn.run { server in
            let whole = try tcbAnswer()
            var bodies = [whole.body.dropLast(10), whole.body.prefix(1), [], Array("<html>".utf8)[...]].map {
                Array($0)
            }
            bodies.append(whole.body + [UInt8](repeating: 0x20, count: 5 << 20))
            for body in bodies {
                var answer = whole
                answer.body = body
                server.answer(tcbTarget, answer)
                let test = try await TestCache.make([try intel(server)], inspectors: [RecordedInspector()])
                let code = await test.code(Recorded.tcb)
                #expect(["signature_invalid", "collateral_malformed"].contains(code), "\(body.count): \(code ?? "")")
            }
            for headers in [[], [("TCB-Info-Issuer-Chain", "%2")], [("TCB-Info-Issuer-Chain", "none")]] {
                var answer = whole
                answer.headers = headers
                server.answer(tcbTarget, answer)
                let test = try await TestCache.make([try intel(server)], inspectors: [RecordedInspector()])
                #expect(await test.code(Recorded.tcb) == "collateral_malformed")
            }
        }
    }

    @Test("a real older issue of a mirror that lags behind is refused, and the newer one stays")
    func lagging() async throws {
        try await StandIn.run { server in
            server.answer(tcbTarget, try tcbAnswer())
            let test = try await TestCache.make([try intel(server)], inspectors: [RecordedInspector()])
            let newest = try await test.cache.item(Recorded.tcb)
            var older = try tcbAnswer()
            older.body = try Recorded.bytes("tdx-older/tcb_info.json")
            server.answer(tcbTarget, older)
            await #expect { try await test.cache.fetch(Recorded.tcb) } throws: { error in
                (error as? CollateralError)?.code == "collateral_rollback"
            }
            #expect(try await test.cache.item(Recorded.tcb) == newest)
        }
    }

    @Test("an item that has expired already is kept, but warned of")
    func stale() async throws {
        try await StandIn.run { server in
            server.answer(tcbTarget, try tcbAnswer())
            let test = try await TestCache.make([try intel(server)], inspectors: [RecordedInspector()])
            test.clock.advance(by: 86_400 * 60)
            _ = try await test.cache.item(Recorded.tcb)
            #expect(test.log.text.contains("collateral had expired when it was had"))
        }
    }

    @Test("A49: a redirect is not followed")
    func redirect() async throws {
        try await StandIn.run { server in
            server.answer(tcbTarget, .init(status: 302, headers: [("Location", "\(server.url)/elsewhere")]))
            server.answer("/elsewhere", try tcbAnswer())
            let test = try await TestCache.make([try intel(server)], inspectors: [RecordedInspector()])
            #expect(await test.code(Recorded.tcb) == "collateral_unavailable")
            #expect(server.requests == [tcbTarget])
        }
    }

    @Test("A49: nothing is asked of link-local addresses, however they are written")
    func linkLocal() async throws {
        for host in ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0"] {
            let publisher = try #require(AMDKeyDistribution(baseURL: "http://\(host)"))
            let origin = try PublishedOrigin(publisher, configuration: Self.client, timeout: .seconds(20))
            let failure = await #expect(throws: CollateralFetchFailure.self) { try await origin.item(Recorded.vcek) }
            #expect(failure?.message.contains("forbidden_address") == true, "\(host): \(failure?.message ?? "")")
        }
    }

    @Test("A49: a service that keeps silent is given up after the time that is set")
    func slow() async throws {
        try await StandIn.run { server in
            var answer = try tcbAnswer()
            answer.delay = .seconds(60)
            server.answer(tcbTarget, answer)
            let origin = try intel(server, timeout: .milliseconds(300))
            let failure = await #expect(throws: CollateralFetchFailure.self) { try await origin.item(Recorded.tcb) }
            #expect(failure?.kind == .unavailable)
            #expect(failure?.message.contains("timeout") == true)
        }
    }

    @Test(
        "a service's refusals are understood, with the patience that it asks for",
        arguments: [
            (404, nil, CollateralFetchFailure.Kind.unknown, nil), (429, "17", .throttled, 17.0),
            (503, "120", .throttled, 120.0), (429, nil, .throttled, nil), (429, "soon", .throttled, nil),
            (429, "Sun, 06 Nov 1994 08:49:37 GMT", .throttled, 0.0), (500, nil, .unavailable, nil),
            (403, nil, .unavailable, nil),
        ])
    func refusals(status: Int, after: String?, kind: CollateralFetchFailure.Kind, seconds: Double?) async throws {
        try await StandIn.run { server in
            server.answer(tcbTarget, .init(status: status, headers: after.map { [("Retry-After", $0)] } ?? []))
            let origin = try intel(server)
            let failure = await #expect(throws: CollateralFetchFailure.self) { try await origin.item(Recorded.tcb) }
            #expect(failure?.kind == kind)
            #expect(failure?.retryAfter == seconds)
        }
    }
}
