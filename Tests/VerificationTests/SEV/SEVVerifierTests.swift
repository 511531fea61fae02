import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("SEV: launches on simulated platforms")
struct SEVVerifierTests {
    @Test("a launch of SEV-ES is believed, with the claims of section 3d, a capped trust and a way into this launch")
    func launch() async throws {
        let site = try SEVSite()
        let challenge = try await site.begin()
        let parameters = try #require(challenge.extraParameters)
        #expect(challenge.nonce == nil && parameters["id"]?.stringValue?.count == 32)
        let guest = SimulatedSEVLaunch(site.platform)
        let found = try await site.claims(guest.evidence(parameters), challenge.state)
        #expect(found.tee == .sev && found.trustCap == .warning && found.matchedReportData == 0)
        #expect(found.claims["launch_digest"] == .string(String(repeating: "1d", count: 32)))
        #expect(found.claims["api_major"] == 1 && found.claims["api_minor"] == 49 && found.claims["build"] == 6)
        #expect(found.claims["es"] == true && found.claims["legacy"] == true && found.claims["generation"] == "milan")
        for name in ["nodbg", "noks", "es", "nosend"] { #expect(found.claims["policy"]?[name] == true, "\(name)") }
        #expect(found.claims["chip_id"]?.stringValue?.count == 64 && found.claims["init_data"] == nil)

        let recipient = try #require(found.launch)
        let session = try guest.open(parameters)
        #expect(recipient.encryptionKey.copyBytes() == session.encryption)
        #expect(recipient.integrityKey.copyBytes() == session.integrity)
        let packet = try SEVLaunchSecret(SecretBytes(Array("the secret".utf8)), as: .diskPassword, for: recipient)
        let entries = try guest.secrets(in: packet.json, parameters)
        #expect(entries.count == 1 && entries[0].guid == SEVSecretGUID.diskPassword.bytes)
        #expect(entries[0].data == Array("the secret".utf8))
        // Another start of the same guest in the same session has another nonce, and cannot open it.
        #expect(throws: SimulationError.self) {
            try guest.twin { $0.nonce[0] ^= 1 }.secrets(in: packet.json, parameters)
        }
    }

    @Test("SEV without SEV-ES is let in by a setting only, and says so")
    func withoutEncryptedState() async throws {
        let site = try SEVSite(nil) { $0.requiresEncryptedState = false }
        let challenge = try await site.begin()
        let guest = SimulatedSEVLaunch(site.platform)
        let found = try await site.claims(guest.evidence(#require(challenge.extraParameters)), challenge.state)
        #expect(found.claims["es"] == false && found.claims["policy"]?["es"] == false && found.trustCap == .warning)
        // A session of before the setting is worth nothing after it.
        let strict = try SEVSite(site.platform)
        let evidence = try guest.evidence(#require(challenge.extraParameters))
        #expect(await strict.refusal(evidence, challenge.state) == "launch_not_allowed")
    }

    @Test("older clients send a text and get one; measurements in base64 are read too")
    func forms() async throws {
        let site = try SEVSite()
        let text = JSONValue.string(try site.platform.request().serializedString())
        let challenge = try await site.challenge(text).get()
        let parameters = try JSONValue(parsing: Array(#require(challenge.extraParameters?.stringValue).utf8))
        let guest = SimulatedSEVLaunch(site.platform)
        let content = try guest.measurement(parameters)
        #expect(await site.refusal(Evidence(tee: .sev, content: content), challenge.state) == nil)
        let blob = try #require(content["measure"]?.byteArrayValue) + guest.nonce
        let short: JSONValue = ["measurement": .string(Base64.encode(blob))]
        let evidence = Evidence(tee: .sev, content: short)
        #expect(await site.refusal(evidence, challenge.state) == nil)
        #expect(try site.verifier.statedReportData(in: evidence) == blob)
    }

    @Test("no two sessions share keys, nonces or identifiers")
    func freshness() async throws {
        let site = try SEVSite()
        var seen: Set<[UInt8]> = []
        for _ in 0..<4 {
            let challenge = try await site.begin()
            let parameters = try #require(challenge.extraParameters)
            let keys = try SimulatedSEVLaunch(site.platform).open(parameters)
            for part in [keys.encryption, keys.integrity, Array("\(parameters["id"] ?? .null)".utf8)] {
                #expect(seen.insert(part).inserted)
            }
            for name in ["nonce", "wrap_iv"] {
                let bytes = try #require(parameters["start"]?["session"]?[name]?.byteArrayValue)
                #expect(seen.insert(bytes).inserted)
            }
        }
    }

    @Test("3g: an empty list lets nothing in")
    func emptyLists() async throws {
        let platform = try SimulatedSEVPlatform()
        let request = try platform.request()
        let changes: [@Sendable (inout SEVVerifier.Options) -> Void] = [
            { $0.launchDigests = [] }, { $0.builds = [] }, { $0.generations = [] }, { $0.chips = [] },
        ]
        for change in changes {
            #expect(try await SEVSite(platform, change).refusal(asking: request) == "launch_not_allowed")
        }
        #expect(await SEVVerifierTests.refusal(SEVVerifier(SEVVerifier.Options()), request) == "launch_not_allowed")
        #expect(try await SEVSite(platform).refusal(asking: request) == nil)
    }

    private static func refusal(_ verifier: SEVVerifier, _ request: JSONValue) async -> String? {
        do throws(VerificationError) {
            _ = try await verifier.challenge(extraParameters: request, context: VerificationContext())
            return nil
        } catch {
            return error.code
        }
    }

    @Test("3g: old firmware, other builds, Naples and other chips are let in by their settings only")
    func minimum() async throws {
        let platform = try SimulatedSEVPlatform()
        let old = platform.twin { $0.firmware = (1, 48, 6) }
        #expect(try await SEVSite(old).refusal(asking: old.request()) == "launch_not_allowed")
        let ancient = platform.twin { $0.firmware = (0, 16, 6) }
        // However low the minimum is set, packets for firmware before 0.17 would fit any launch.
        let lowest = try SEVSite(ancient) { $0.minimumAPI = SEVInterfaceVersion(major: 0, minor: 0) }
        #expect(try await lowest.refusal(asking: ancient.request()) == "launch_not_allowed")
        let other = platform.twin { $0.firmware = (1, 50, 7) }
        #expect(try await SEVSite(other).refusal(asking: other.request()) == "launch_not_allowed")
        #expect(try await SEVSite(other, { $0.builds = [7] }).refusal(asking: other.request()) == nil)
        let naples = try SEVSite(platform) { options in
            options.authorities = (try? platform.authorities(.naples)) ?? options.authorities
        }
        #expect(try await naples.refusal(asking: platform.request()) == "launch_not_allowed")
        let chip = try SEVVectors.outcome(platform.chain(), under: platform.authorities()).get().chipID
        #expect(try await SEVSite(platform, { $0.chips = [chip] }).refusal(asking: platform.request()) == nil)
        let stranger = try SimulatedSEVPlatform()
        #expect(
            try await SEVSite(stranger, { $0.chips = [chip] }).refusal(asking: stranger.request())
                == "launch_not_allowed")
    }

    @Test("a real platform's request gets a session, which only that platform could open")
    func realPlatform() async throws {
        let site = try SEVSite(nil) { $0.authorities = .amd }
        let challenge = try await site.challenge(SEVVectors.milanRequest()).get()
        #expect(throws: SimulationError.self) {
            try SimulatedSEVLaunch(site.platform).open(#require(challenge.extraParameters))
        }
        #expect(try await site.refusal(asking: site.platform.request()) == "chain_not_trusted")
    }
}
