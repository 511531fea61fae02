import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport

@testable import Verification

@Suite("SEV: attacks")
struct SEVAttackTests {
    @Test("3g: a launch of something else, under another policy or firmware, or proved for another session is refused")
    func launches() async throws {
        let site = try SEVSite()
        let guest = SimulatedSEVLaunch(site.platform)
        #expect(try await site.refusal(of: guest) == nil)
        let twins = [
            guest.twin { $0.digest[31] ^= 1 }, guest.twin { $0.policy = 0 },
            // The host may not look in, but another guest would get the same key.
            guest.twin { $0.policy = 0x3101_003D }, guest.twin { $0.policy = 0x3101_003B },
            guest.twin { $0.measured = (1, 50, 6) }, guest.twin { $0.measured = (1, 49, 5) },
        ]
        for (index, twin) in twins.enumerated() {
            #expect(try await site.refusal(of: twin) == "measurement_invalid", "twin \(index)")
        }
        let (one, other) = (try await site.begin(), try await site.begin())
        let evidence = try guest.evidence(#require(one.extraParameters))
        #expect(await site.refusal(evidence, other.state) == "measurement_invalid")
        #expect(await site.refusal(evidence, nil) == "challenge_missing")
        #expect(await site.refusal(evidence, Array(one.state.dropLast())) == "challenge_missing")
        #expect(await site.refusal(evidence, one.state) == nil)
    }

    @Test("3g: what a host says later of its firmware than it asked with is refused, and so is an older session's chip")
    func downgrade() async throws {
        let site = try SEVSite(nil) { $0.builds = [5, 6] }
        let challenge = try await site.begin()
        let guest = SimulatedSEVLaunch(site.platform)
        let evidence = try guest.evidence(#require(challenge.extraParameters))
        let narrowed = try SEVSite(site.platform) { $0.builds = [5] }
        #expect(await narrowed.refusal(evidence, challenge.state) == "launch_not_allowed")
        let withoutChip = try SEVSite(site.platform) { $0.chips = [[UInt8](repeating: 1, count: 32)] }
        #expect(await withoutChip.refusal(evidence, challenge.state) == "launch_not_allowed")
    }

    @Test("3g: signed-again certificates for other uses, by other signers or with a place left open are refused")
    func certificates() throws {
        let platform = try SimulatedSEVPlatform()
        let authorities = try platform.authorities()
        #expect(try SEVVectors.refusal(platform.chain(), under: authorities) == nil)
        let stranger = try SimulatedSEVPlatform()
        let twins: [(String, SimulatedSEVPlatform)] = [
            ("a chip's key for another use", platform.twin { $0.chip.usage = 0x1002 }),
            ("an owner's key for another use", platform.twin { $0.owner.usage = 0x1004 }),
            ("a platform's key for another use", platform.twin { $0.platform.usage = 0x1001 }),
            ("a session key for another use", platform.twin { $0.sessionUsage = 0x1002 }),
            ("a platform's key for key agreement", platform.twin { $0.platform.algorithm = 3 }),
            ("a platform without its chip", platform.twin { $0.platformSignatures[1] = .init(.nobody) }),
            ("a platform without its owner", platform.twin { $0.platformSignatures[0] = .init(.nobody) }),
            ("a platform signed by its owner twice", platform.twin { $0.platformSignatures[1] = .init(.owner) }),
            (
                "an owner that poses as the chip",
                platform.twin { $0.platformSignatures[1] = .init(.owner, usage: 0x1004) }
            ),
            ("a session key that the chip signed", platform.twin { $0.sessionSignatures[0] = .init(.chip) }),
            (
                "a session key that the owner signed as the platform",
                platform.twin { $0.sessionSignatures[0] = .init(.owner, usage: 0x1002) }
            ),
            ("a second signature nobody asked for", platform.twin { $0.sessionSignatures[1] = .init(.owner) }),
            ("an owner who did not sign itself", platform.twin { $0.ownerSignatures[0] = .init(.chip, usage: 0x1001) }),
            ("a chip that certified itself", platform.twin { $0.chipSignatures[0] = .init(.chip, usage: 0x13) }),
            ("a signing key for another use", platform.twin { $0.authorityUsage = 0 }),
        ]
        for (name, twin) in twins {
            #expect(try SEVVectors.refusal(twin.chain(), under: authorities) == "chain_not_trusted", "\(name)")
        }
        var mixed = try platform.chain()
        mixed.cek = try stranger.chipCertificate()
        #expect(SEVVectors.refusal(mixed, under: authorities) == "chain_not_trusted")
    }

    @Test("3g: the two signatures of a platform may stand in either order")
    func order() throws {
        let platform = try SimulatedSEVPlatform()
        let swapped = platform.twin { $0.platformSignatures = [.init(.chip), .init(.owner)] }
        #expect(try SEVVectors.refusal(swapped.chain(), under: platform.authorities()) == nil)
        let later = platform.twin { $0.sessionSignatures = [.init(.nobody), .init(.platform)] }
        #expect(try SEVVectors.refusal(later.chain(), under: platform.authorities()) == nil)
    }

    @Test("a root that somebody brings along counts for nothing")
    func foreignRoot() throws {
        let platform = try SimulatedSEVPlatform()
        #expect(try SEVVectors.refusal(platform.chain()) == "chain_not_trusted")
        var chain = try platform.chain()
        chain.authorities = nil
        #expect(SEVVectors.refusal(chain) == "chain_not_trusted")
        // The same names and numbers with another key.
        let key = try TestKey.generate(.rsa(2048))
        let impostor = platform.twin {
            $0.root = key
            $0.authority = key
        }
        #expect(try SEVVectors.refusal(impostor.chain(), under: platform.authorities()) == "chain_not_trusted")
    }

    private static let malformed: [JSONValue?] = [
        nil, .null, "", "{", "[]", [], ["build": 1, "chain": 2], .string(String(repeating: " ", count: 300_000)),
        ["build": ["version": ["major": 1, "minor": 49], "build": 6], "chain": ["sev": ["pdh": [1], "pek": [256]]]],
    ]

    @Test("requests that are none are refused as that, and versions that do not fit")
    func requests() async throws {
        let site = try SEVSite()
        for parameters in Self.malformed {
            #expect(await site.refusal(asking: parameters) == "malformed_evidence")
        }
        let request = try site.platform.request()
        for (path, value) in [
            (["build", "build"], JSONValue.int(256)), (["build", "version", "minor"], -1),
            (["build", "version", "major"], "1"), (["chain", "sev", "pdh"], .array([])),
            (["chain", "ca", "ask"], .null),
        ] {
            let changed = request.replacing(path[...], with: value)
            #expect(await site.refusal(asking: changed) == "malformed_evidence", "\(path)")
        }
        // Without authorities at all those at hand are tried.
        #expect(await site.refusal(asking: request.replacing(["chain", "ca"][...], with: .null)) == nil)
    }

    @Test("measurements that are none are refused as that")
    func measurements() async throws {
        let site = try SEVSite()
        let challenge = try await site.begin()
        let good = try SimulatedSEVLaunch(site.platform).measurement(#require(challenge.extraParameters))
        let contents: [JSONValue] = [
            .null, [], ["measure": []], ["measurement": "AAAA"], ["measurement": .int(1)],
            good.replacing(["mnonce"][...], with: []), good.replacing(["measure"][...], with: "!"),
            .object((good.objectValue ?? [:]).with("measurement", "AAAA")),
        ]
        for content in contents {
            let code = await site.refusal(Evidence(tee: .sev, content: content), challenge.state)
            #expect(code == "malformed_evidence", "\(content)")
        }
    }

    @Test("random damage to requests is refused without a fault")
    func damage() async throws {
        let site = try SEVSite()
        let request = try site.platform.request()
        let chain = try SEVRequest(request).chain
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<40 {
            var damaged = chain
            let member = try #require(SEVChainMember.allCases.randomElement(using: &generator))
            var bytes = damaged[member]
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                bytes[Int.random(in: bytes.indices, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
            case 1: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            default: bytes.append(UInt8.random(in: 0...255, using: &generator))
            }
            damaged[member] = bytes
            // Bytes for the version of the firmware that wrote a certificate are signed, too.
            #expect(SEVVectors.refusal(damaged, under: site.verifier.options.authorities) != nil)
        }
    }
}

extension JSONObject {
    fileprivate func with(_ name: String, _ value: JSONValue) -> JSONObject {
        var copy = self
        copy[name] = value
        return copy
    }
}
