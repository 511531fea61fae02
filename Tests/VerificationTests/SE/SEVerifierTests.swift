import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

/// A machine, a guest on it, and a verifier that knows both.
struct SESite {
    let ibm: SimulatedIBM
    var ultravisor: SimulatedUltravisor
    var options: SEVerifier.Options

    init() throws {
        ibm = try Self.authorities.get()
        ultravisor = try SimulatedUltravisor()
        options = SEVerifier.Options(
            anchors: ibm.anchors, authorities: ibm.authorities, revocationLists: try ibm.lists(),
            hostKeys: [try ibm.document(of: ultravisor.key.publicKey)], images: [ultravisor.image])
    }

    private static let authorities = Result { try SimulatedIBM(at: Simulation.now) }

    var verifier: SEVerifier { SEVerifier(options) }

    /// A session: the text in place of the nonce, and what the verifier must know again.
    func challenge(at offset: TimeInterval = 0) async throws -> (request: String, state: [UInt8]) {
        let clock = WallClock.fixed(Simulation.now.addingTimeInterval(offset))
        let challenge = try await verifier.challenge(
            extraParameters: nil, context: VerificationContext(clock: clock))
        return (try #require(challenge?.nonce), try #require(challenge?.state))
    }

    func refusal(
        _ evidence: Evidence, state: [UInt8]?, _ digest: [UInt8] = Simulation.digest, at offset: TimeInterval = 0
    ) async -> String? {
        let context = VerificationContext(
            clock: .fixed(Simulation.now.addingTimeInterval(offset)), challengeState: state)
        do throws(VerificationError) {
            _ = try await verifier.verify(
                evidence, binding: EvidenceBinding(reportData: [digest]), context: context)
            return nil
        } catch {
            return error.code
        }
    }

    /// What comes of a whole session.
    func refusal(_ change: (inout SimulatedUltravisor) throws -> Void = { _ in }) async throws -> String? {
        var changed = ultravisor
        try change(&changed)
        let (request, state) = try await challenge()
        return await refusal(try changed.evidence(request: request, bound: Simulation.digest), state: state)
    }
}

@Suite("Secure Execution: sessions with a simulated ultravisor")
struct SEVerifierTests {
    @Test("a guest of a known image on a known machine is believed, and its claims say which")
    func good() async throws {
        let site = try SESite()
        let (request, state) = try await site.challenge()
        let evidence = try site.ultravisor.evidence(request: request, bound: Simulation.digest)
        let results = try await site.verifier.verify(
            evidence, binding: EvidenceBinding(reportData: [[1], Simulation.digest]),
            context: VerificationContext(clock: .fixed(Simulation.now), challengeState: state))
        let result = try #require(results.first)
        let hash = Hex.encode(SEHostKey(site.ultravisor.key.publicKey).hash)
        #expect(result.claims["image_phkh"]?.stringValue == hash)
        #expect(result.claims["attestation_phkh"]?.stringValue == hash)
        #expect(result.claims["tag"]?.stringValue == Hex.encode(site.ultravisor.image.tag))
        #expect(result.claims["cuid"]?.stringValue == String(repeating: "3f", count: 16))
        #expect(result.claims["version"] == 256 && result.claims["init_data"] == nil)
        #expect(result.matchedReportData == 1)
        #expect(
            try site.verifier.statedReportData(in: evidence) == Simulation.digest + [UInt8](repeating: 0, count: 16))
    }

    @Test("what the guest gets holds no secret, and is another for each session")
    func requests() async throws {
        let site = try SESite()
        let first = try await site.challenge()
        let second = try await site.challenge()
        #expect(first.request != second.request && first.state != second.state)
        let request = try JSONValue(parsing: first.request)
        #expect(request["encr_measurement_key"] == "" && request["encr_request_nonce"] == "")
        #expect(request["measurement_size"] == 64 && request["additional_size"] == 64)
        #expect(request["image_hdr_tags"]?.stringValue == Base64.encode(site.ultravisor.image.tags))
        let block = try Base64.decode(#require(request["request_blob"]?.stringValue))
        let secrets = try site.ultravisor.open(block)
        #expect(Array(first.state[1..<81]) == secrets)
        let key = Array(secrets[..<16])
        #expect(!block.indices.contains { block[$0...].starts(with: key) })
    }

    @Test("10g: a request for another machine is not opened, and one whose flags were changed neither")
    func requestsOfOthers() async throws {
        let site = try SESite()
        let (request, _) = try await site.challenge()
        let other = try SimulatedUltravisor()
        #expect(throws: (any Error).self) { try other.evidence(request: request, bound: Simulation.digest) }
        let block = try Base64.decode(#require(JSONValue(parsing: request)["request_blob"]?.stringValue))
        for index in block.indices {
            var changed = block
            changed[index] ^= 0x10
            #expect(throws: (any Error).self, "byte \(index)") { try site.ultravisor.open(changed) }
        }
    }

    @Test("10g: evidence answers the request of its own session, once more never")
    func replay() async throws {
        let site = try SESite()
        let first = try await site.challenge()
        let second = try await site.challenge()
        let evidence = try site.ultravisor.evidence(request: first.request, bound: Simulation.digest)
        #expect(await site.refusal(evidence, state: first.state) == nil)
        #expect(await site.refusal(evidence, state: second.state) == "measurement_invalid")
        for state in [nil, [], [1], Array(first.state.dropLast()), [2] + first.state.dropFirst()] as [[UInt8]?] {
            #expect(await site.refusal(evidence, state: state) == "challenge_missing")
        }
        let other = [UInt8](repeating: 9, count: 48)
        #expect(await site.refusal(evidence, state: first.state, other) == "report_data_mismatch")
    }

    @Test("10g: another image is refused whatever header it passes back")
    func images() async throws {
        let site = try SESite()
        let other = try SEImageHeader(
            parsing: SimulatedUltravisor.header(for: [site.ultravisor.key.publicKey], seed: 0x10))
        #expect(try await site.refusal { $0.image = other } == "measurement_invalid")
        let (request, state) = try await site.challenge()
        var guest = site.ultravisor
        guest.image = other
        let evidence = try guest.evidence(request: request, bound: Simulation.digest)
        let honest = evidence.content.replacing("image_hdr_tags", with: .string(Base64.encode(other.tags)))
        #expect(await site.refusal(Evidence(tee: .se, content: honest), state: state) == "image_not_known")
        var both = site
        both.options.images.append(other)
        #expect(try await both.refusal() == nil)
        #expect(try await both.refusal { $0.image = other } == nil)
    }

    @Test("10g: image and request must have been opened with trusted host keys that they were made for")
    func hostKeys() async throws {
        var site = try SESite()
        let backup = P521.KeyAgreement.PrivateKey()
        // The image was made for another machine's key, which nobody vouches for.
        #expect(try await site.refusal { $0.imageKey = backup } == "host_key_not_trusted")
        site.options.hostKeys.append(try site.ibm.document(of: backup.publicKey, serialNumber: 0x12))
        #expect(
            try await site.refusal { $0.imageKey = backup } == "host_key_not_trusted", "the header has no slot for it")
        let image = try SEImageHeader(
            parsing: SimulatedUltravisor.header(for: [site.ultravisor.key.publicKey, backup.publicKey]))
        site.options.images = [image]
        #expect(
            try await site.refusal {
                $0.image = image
                $0.imageKey = backup
            } == nil)
    }

    @Test(
        "10g: a document that is revoked or without a current list gets no request, and one revoked meanwhile no belief"
    )
    func revocation() async throws {
        let site = try SESite()
        let (request, state) = try await site.challenge()
        let evidence = try site.ultravisor.evidence(request: request, bound: Simulation.digest)
        var later = site
        later.options.revocationLists = try site.ibm.lists(revoking: [0x11])
        #expect(await later.refusal(evidence, state: state) == "revoked")
        await #expect(throws: VerificationError.self) { try await later.challenge() }
        for index in [0, 1] {
            var without = site
            without.options.revocationLists.remove(at: index)
            let error = await #expect(throws: VerificationError.self) { try await without.challenge() }
            #expect(error?.code == "revocation_unknown")
        }
        // The lists are due after a day.
        #expect(await site.refusal(evidence, state: state, at: 2 * 86_400) == "revocation_unknown")
        var lenient = site
        lenient.options.revocationGrace = .seconds(3 * 86_400)
        #expect(await lenient.refusal(evidence, state: state, at: 2 * 86_400) == nil)
    }

    @Test("a document that names its signer in a way that is not understood, or demands what is not known, is refused")
    func extensions() async throws {
        var site = try SESite()
        let key = site.ultravisor.key.publicKey
        // Authority key identifiers: another key's, and a serial number in place of a key ([2], RFC 5280 4.2.1.1).
        for (value, isRefused) in [
            (TestExtension("1.2.3.4", value: [5, 0]), false),
            (TestExtension("1.2.3.4", isCritical: true, value: [5, 0]), true),
            (TestExtension("2.5.29.35", value: [0x30, 3, 0x80, 1, 7]), true),
            (TestExtension("2.5.29.35", value: [0x30, 3, 0x82, 1, 0x51]), true),
            (TestExtension("2.5.29.35", value: [0x30, 0]), true),
        ] {
            site.options.hostKeys = [try site.ibm.document(of: key, extensions: [value])]
            let verifier = site.verifier
            var code: String?
            do throws(VerificationError) {
                let context = VerificationContext(clock: .fixed(Simulation.now))
                _ = try await verifier.challenge(extraParameters: nil, context: context)
            } catch {
                code = error.code
            }
            #expect(code == (isRefused ? "host_key_not_trusted" : nil))
        }
    }

    @Test("what was verified once is judged anew at each moment")
    func moments() async throws {
        let site = try SESite()
        let verifier = site.verifier
        let day: TimeInterval = 86_400
        for (offset, code) in [
            (0, nil), (2 * day, "revocation_unknown"), (0, nil), (-730 * day, "certificate_not_yet_valid"),
            (20 * 365 * day, "certificate_expired"), (day / 2, nil),
        ] as [(TimeInterval, String?)] {
            let clock = WallClock.fixed(Simulation.now.addingTimeInterval(offset))
            do throws(VerificationError) {
                _ = try await verifier.challenge(extraParameters: nil, context: VerificationContext(clock: clock))
                #expect(code == nil)
            } catch {
                #expect(error.code == code)
            }
        }
    }

    @Test("an authority that the root's list names is not believed, though that list is not asked for")
    func revokedAuthority() async throws {
        var site = try SESite()
        let made = Simulation.now.addingTimeInterval(-3600)
        func list(_ entries: [RevocationListDraft.Entry], due: TimeInterval) throws -> RevocationList {
            try RevocationList(
                der: site.ibm.root.revocationList(
                    RevocationListDraft(
                        thisUpdate: made, nextUpdate: made.addingTimeInterval(due), entries: entries)))
        }
        let plain = site.options.revocationLists
        site.options.revocationLists = plain + [try list([], due: 86_400)]
        #expect(try await site.refusal() == nil)
        let named = RevocationListDraft.Entry(site.ibm.authority.certificate.serialNumber, at: made)
        // Also an old list: what it names stays revoked.
        for due in [86_400, 60] as [TimeInterval] {
            site.options.revocationLists = plain + [try list([named], due: due)]
            let changed = site
            let error = await #expect(throws: VerificationError.self) { try await changed.challenge() }
            #expect(error?.code == "revoked")
        }
    }

    @Test("a machine whose document is bad is left out of requests, and the others stay")
    func mixed() async throws {
        var site = try SESite()
        let other = P521.KeyAgreement.PrivateKey()
        site.options.hostKeys.append(try site.ibm.document(of: other.publicKey, serialNumber: 0x13))
        site.options.revocationLists = try site.ibm.lists(revoking: [0x13])
        #expect(try await site.refusal() == nil)
        let (request, _) = try await site.challenge()
        let block = try Base64.decode(#require(JSONValue(parsing: request)["request_blob"]?.stringValue))
        #expect(block[39] == 1)
        site.options.hostKeys = []
        let error = await #expect(throws: VerificationError.self) { try await site.challenge() }
        #expect(error?.code == "host_key_not_trusted")
        site.options.hostKeys = Array(repeating: try site.ibm.document(of: other.publicKey), count: 9)
        await #expect(throws: VerificationError.self) { try await site.challenge() }
    }

    @Test("guests can be told apart by the identifier that their machine gave them")
    func identifiers() async throws {
        var site = try SESite()
        site.options.configurationIDs = [[UInt8](repeating: 0x3F, count: 16)]
        #expect(try await site.refusal() == nil)
        #expect(try await site.refusal { $0.configurationID[0] = 1 } == "configuration_id_not_allowed")
    }

    @Test("members that are missing, of another size or not what the request had are refused")
    func forms() async throws {
        let site = try SESite()
        let (request, state) = try await site.challenge()
        let evidence = try site.ultravisor.evidence(request: request, bound: Simulation.digest)
        let long = JSONValue.string(Base64.encode([UInt8](repeating: 0, count: 257)))
        let changes: [(String, JSONValue)] = [
            ("measurement", .null), ("additional_data", ""), ("user_data", long), ("user_data", ""), ("cuid", "AAAA"),
            ("measurement", "=="), ("encr_measurement_key", "AAAA"), ("encr_request_nonce", "AAAA"),
            ("image_hdr_tags", "AAAA"), ("user_data", 1),
        ]
        for (name, value) in changes {
            let changed = Evidence(tee: .se, content: evidence.content.replacing(name, with: value))
            #expect(await site.refusal(changed, state: state) == "malformed_evidence", "\(name)")
        }
        let bare = evidence.content.replacing("image_hdr_tags", with: "")
        #expect(await site.refusal(Evidence(tee: .se, content: bare), state: state) == nil)
    }
}
