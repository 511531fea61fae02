import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("Nitro: attacks")
struct NitroAttackTests {
    private let now = Simulation.now
    private let digest = Simulation.digest

    private func refusal(
        _ enclave: SimulatedNitroEnclave, field: String = "user_data", anchors: [PinnedAnchor]? = nil,
        _ change: (inout NitroVerifier.Options) -> Void = { _ in }
    ) async throws -> String? {
        var options = NitroVerifier.Options(anchors: anchors ?? enclave.anchors)
        change(&options)
        return await NitroVerifier(options).refusal(
            try enclave.evidence(bound: digest, field: field), EvidenceBinding(reportData: [digest]), at: now)
    }

    @Test("an enclave is believed under its root, and under no other that it brings along")
    func roots() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        #expect(try await refusal(enclave) == nil)
        #expect(try await refusal(enclave, anchors: PinnedAnchor.nitro) == "chain_not_trusted")
        #expect(try await refusal(enclave, anchors: []) == "no_anchor")
        #expect(PinnedAnchor.nitro.count == 1)
    }

    @Test("certificates in another order, too few, too many or of a forged authority are refused")
    func chains() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        let bundle = enclave.authorities.map { CBORValue.bytes($0.certificate.der) }
        func with(_ bundle: [CBORValue]) async throws -> String? {
            try await refusal(enclave.twin { $0.content["cabundle"] = .array(bundle) })
        }
        #expect(try await with(bundle.reversed()) == "chain_not_trusted")
        #expect(try await with(Array(bundle.dropFirst())) == "chain_not_trusted")
        #expect(try await with(Array(bundle.dropLast())) == "chain_not_trusted")
        #expect(try await with(bundle + [bundle[3]]) == "chain_not_trusted")
        #expect(try await with([]) == "malformed_evidence")
        #expect(try await with(Array(repeating: bundle[0], count: 9)) == "malformed_evidence")
        let forger = enclave.authorities[3].impersonated(by: try TestKey.generate(.ec(.p384)))
        let forged = try enclave.twin {
            $0.certificate = try SimulatedNitroEnclave.certificate(of: $0.key, by: forger, at: now)
        }
        #expect(try await refusal(forged) == "chain_not_trusted")
        let other = try enclave.twin { $0.key = try TestKey.generate(.ec(.p384)) }
        #expect(try await refusal(other) == "signature_invalid")
    }

    @Test(
        "A13: an authority that a list names is refused, and one whose list is missing or old where lists are demanded")
    func revocation() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        func list(by index: Int, naming serial: [UInt8]? = nil, due: TimeInterval = 86_400) throws -> RevocationList {
            let made = now.addingTimeInterval(-3600)
            let entries = serial.map { [RevocationListDraft.Entry($0, at: made)] } ?? []
            return try RevocationList(
                der: enclave.authorities[index].revocationList(
                    RevocationListDraft(thisUpdate: made, nextUpdate: made.addingTimeInterval(due), entries: entries)))
        }
        let zone = enclave.authorities[2].certificate.serialNumber
        for due in [86_400, 60] as [TimeInterval] {
            let named = try list(by: 1, naming: zone, due: due)
            #expect(try await refusal(enclave) { $0.revocationLists = [named] } == "revoked")
        }
        let (root, region, stale) = (try list(by: 0), try list(by: 1), try list(by: 1, due: 60))
        for (lists, code) in [
            ([], "revocation_unknown"), ([region], "revocation_unknown"), ([root, stale], "revocation_unknown"),
            ([root, region], nil), ([root, region, stale], nil),
        ] as [([RevocationList], String?)] {
            #expect(try await refusal(enclave) { $0.revocationLists = lists } == nil)
            let demanded = try await refusal(enclave) {
                $0.revocationLists = lists
                $0.requiresRevocationLists = true
            }
            #expect(demanded == code, "\(lists.count) lists")
        }
        let tolerated = try await refusal(enclave) {
            $0.revocationLists = [root, stale]
            $0.requiresRevocationLists = true
            $0.revocationGrace = .seconds(7200)
        }
        #expect(tolerated == nil)
    }

    @Test("a leaf is valid at the moment of the document or not at all")
    func validity() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        let late = try enclave.twin {
            $0.certificate = try SimulatedNitroEnclave.certificate(
                of: $0.key, by: $0.authorities[3], at: now.addingTimeInterval(7200))
        }
        #expect(try await refusal(late) == "certificate_not_yet_valid")
        let early = try enclave.twin {
            $0.certificate = try SimulatedNitroEnclave.certificate(
                of: $0.key, by: $0.authorities[3], at: now.addingTimeInterval(-10_800))
        }
        #expect(try await refusal(early) == "certificate_expired")
    }

    @Test("keys on another curve are refused, as leaf and as authority")
    func curves() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        let weak = try TestKey.generate(.ec(.p256))
        let leaf = try enclave.twin {
            $0.certificate = try SimulatedNitroEnclave.certificate(of: weak, by: $0.authorities[3], at: now)
        }
        #expect(try await refusal(leaf) == "chain_not_trusted")
    }

    @Test("a parent instance that replays documents, or presents ones of the future, gets nowhere")
    func replay() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        let evidence = try enclave.evidence(bound: digest)
        let verifier = NitroVerifier(NitroVerifier.Options(anchors: enclave.anchors))
        let other = EvidenceBinding(reportData: [[UInt8](repeating: 9, count: 48)])
        #expect(await verifier.refusal(evidence, other, at: now) == "report_data_mismatch")
        let ahead = enclave.twin { $0.content["timestamp"] = .unsigned(UInt64(now.timeIntervalSince1970 + 90) * 1000) }
        #expect(try await refusal(ahead) == "evidence_not_yet_valid")
        let old = enclave.twin { $0.content["timestamp"] = .unsigned(UInt64(now.timeIntervalSince1970 - 301) * 1000) }
        #expect(try await refusal(old) == "evidence_expired")
        for value: CBORValue in [0, -1, .unsigned(.max), "1", .float(1)] {
            #expect(try await refusal(enclave.twin { $0.content["timestamp"] = value }) == "malformed_evidence")
        }
    }

    @Test("the report data counts in the field that the settings name, and in no other")
    func fields() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        #expect(try await refusal(enclave, field: "nonce") == "report_data_mismatch")
        #expect(try await refusal(enclave, field: "nonce") { $0.reportDataField = .nonce } == nil)
        #expect(try await refusal(enclave, field: "public_key") == "report_data_mismatch")
        let long = enclave.twin { $0.content["user_data"] = .bytes(digest + [UInt8](repeating: 0, count: 17)) }
        #expect(try await refusal(long) == "report_data_mismatch")
        let padded = enclave.twin { $0.content["user_data"] = .bytes(digest + [UInt8](repeating: 0, count: 16)) }
        #expect(try await refusal(padded) == nil)
    }

    @Test("debug mode is seen by any of the registers of what was started")
    func debug() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        for index: CBORValue in [0, 1, 2] {
            let twin = try enclave.twin {
                var registers = try #require($0.content["pcrs"]?.mapValue)
                registers[index] = .bytes([UInt8](repeating: 0, count: 48))
                $0.content["pcrs"] = .map(registers)
            }
            #expect(try await refusal(twin) == "debug_enabled")
            #expect(try await refusal(twin) { $0.allowsDebug = true } == nil)
        }
    }

    @Test("registers that are missing, beyond 31 or of another size are refused")
    func registers() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        let value = CBORValue.bytes([UInt8](repeating: 1, count: 48))
        let changes: [(CBORValue, CBORValue?)] = [
            (0, nil), (2, nil), (32, value), (-1, value), ("3", value), (3, .bytes([1])), (3, .null),
        ]
        for (key, change) in changes {
            let twin = try enclave.twin {
                var registers = try #require($0.content["pcrs"]?.mapValue)
                registers[key] = change
                $0.content["pcrs"] = .map(registers)
            }
            #expect(try await refusal(twin) == "malformed_evidence")
        }
        #expect(try await refusal(enclave.twin { $0.content["digest"] = "SHA256" }) == "malformed_evidence")
        #expect(try await refusal(enclave.twin { $0.content["module_id"] = "a\u{1b}[2J" }) == "malformed_evidence")
    }

    @Test("documents with other headers, algorithms or keys that stand twice are refused")
    func encodings() async throws {
        let enclave = try SimulatedNitroEnclave(at: now)
        let parts = try #require(CBORValue(parsing: enclave.document(bound: digest)).arrayValue)
        let binding = EvidenceBinding(reportData: [digest])
        let verifier = NitroVerifier(NitroVerifier.Options(anchors: enclave.anchors))
        func code(_ value: CBORValue) async -> String? {
            await verifier.refusal(NitroVectors.evidence(value.encoded), binding, at: now)
        }
        #expect(await code(.array(parts)) == nil)
        #expect(await code(.tagged(18, .array(parts))) == nil)
        #expect(await code(.tagged(98, .array(parts))) == "malformed_evidence")
        #expect(await code([parts[0], [4: .bytes([1])], parts[2], parts[3]]) == "malformed_evidence")
        #expect(await code([parts[0], [:], parts[2], .bytes([])]) == "malformed_evidence")
        let es256: CBORValue = [1: -7]
        let short = CBORValue.bytes([UInt8](repeating: 1, count: 64))
        #expect(await code([.bytes(es256.encoded), [:], parts[2], short]) == "unsupported_signature_algorithm")
        let payload = try #require(parts[2].bytesValue)
        let twice =
            [payload[0] + 1] + payload[1...] + CBORValue.text("digest").encoded + CBORValue.text("SHA384").encoded
        #expect(await code([parts[0], [:], .bytes(twice), parts[3]]) == "malformed_evidence")
    }
}
