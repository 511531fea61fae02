import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("CSV")
struct CSVVerifierTests {
    private let session = CSVSession()

    @Test("a report of a real processor verifies up to Hygon's root, and says what its manifest says")
    func realReport() async throws {
        var options = CSVVerifier.Options()
        options.allowsVersion1 = true
        let all = try await CSVVerifier(options).verify(
            session.recorded(), binding: EvidenceBinding(reportData: [Array("user data".utf8)]),
            context: VerificationContext())
        let claims = try #require(all.first?.claims)
        #expect(claims["serial_number"] == "NZA9T14052605" && claims["version"] == "1")
        #expect(claims["measure"]?.stringValue?.hasPrefix("1178dadbf826ec7a") == true)
        #expect(claims["policy"] == nil && claims["vm_id"] == nil && claims["vm_version"] == nil)
        #expect(claims["report_data"]?.stringValue?.hasPrefix("757365722064617461") == true)
        #expect(claims["init_data"] == nil)
        let evidence = try session.recorded()
        #expect(try await session.refusal(evidence, nil, Array("user data".utf8)) { _ in } == "unsupported_version")
        #expect(try await session.refusal(evidence, nil, Array("other data".utf8)) == "report_data_mismatch")
    }

    @Test("evidence without the chip's certificates is good as far as it goes, and is refused")
    func partial() async throws {
        let content = try Vectors.json("csv/trustee-evidence/evidence.json")
        let inspection = try CSVInspection(content: content)
        #expect(inspection.serialNumber == "KPA64911240507" && inspection.report.policy == 0x45)
        let evidence = Evidence(tee: .csv, content: content)
        #expect(try await session.refusal(evidence, nil, [0]) == "collateral_unavailable")
    }

    @Test("both forms are believed of a guest of the simulator, under its root alone")
    func simulated() async throws {
        for version in CSVReport.Version.allCases {
            let hygon = try SimulatedHygon(version)
            #expect(try await session.refusal(of: hygon) == nil)
            let stranger = try SimulatedHygon(version)
            #expect(try await session.refusal(hygon.evidence(bound: session.digest), stranger) == "chain_not_trusted")
            #expect(try await session.refusal(hygon.evidence(bound: session.digest), nil) == "chain_not_trusted")
            #expect(try await session.refusal(of: hygon.twin { $0.policy = 0x3E }) == "debug_enabled")
        }
        #expect(try await session.refusal(of: SimulatedHygon(.v2)) { _ in } == nil)
        #expect(try await session.refusal(of: SimulatedHygon(.v1)) { _ in } == "unsupported_version")
    }

    @Test("a chip is told by its certified key; the serial number that a sender writes beside it changes nothing")
    func chips() async throws {
        for hygon in [try SimulatedHygon(.v2), try SimulatedHygon(.v1)] {
            let forger = hygon.twin {
                $0.serialNumber = "AAAA00000001"
                $0.sendsPlainSigner = true
            }
            let honest = try await session.claims(hygon.evidence(bound: session.digest), hygon)
            let forged = try await session.claims(forger.evidence(bound: session.digest), hygon)
            #expect(honest["serial_number"] == "NZA9T14052605" && forged["serial_number"] == "AAAA00000001")
            #expect(honest["chip_key_digest"]?.stringValue?.utf8.count == 64)
            #expect(honest["chip_key_digest"] == forged["chip_key_digest"])
            let neighbour = try hygon.twin { $0.chip = try SimulatedHygon.Signer("CEK") }
            let other = try await session.claims(neighbour.evidence(bound: session.digest), hygon)
            #expect(other["chip_key_digest"] != honest["chip_key_digest"])
        }
    }

    @Test("a wrong checksum over certificate and serial number is refused where no mask was taken off")
    func checksums() async throws {
        for bit in 0..<8 {
            let changed = try SimulatedHygon(.v2).twin { $0.checksumChange = 1 << UInt8(bit) }
            #expect(try await session.refusal(of: changed) == "malformed_evidence")
        }
        let masked = try SimulatedHygon(.v1).twin { $0.checksumChange = 1 }
        #expect(try await session.refusal(of: masked) == "malformed_evidence")
        let maskless = masked.twin {
            $0.mask = [0, 0, 0, 0]
            $0.sendsPlainSigner = true
        }
        #expect(try await session.refusal(of: maskless) == "malformed_evidence")
        // The agent took the mask off, and the checksum is over what it took it off of.
        #expect(try await session.refusal(of: masked.twin { $0.sendsPlainSigner = true }) == nil)
    }

    @Test("11g: a platform's key that another chip certified, or that signs under another identity, is refused")
    func keys() async throws {
        let hygon = try SimulatedHygon()
        let other = try SimulatedHygon.Signer("CEK")
        #expect(try await session.refusal(of: hygon.twin { $0.platformIssuer = other }) == "chain_not_trusted")
        // The identity in the certificate is that of the key; a signature under another one fits nothing.
        let evidence = try hygon.evidence(bound: session.digest)
        var confused = hygon
        confused.chip.userID = Array("HYGON-SSD-HSK".utf8)
        let chain = JSONValue.string(Base64.encode(try confused.chipCertificate()))
        let changed = evidence.content.replacing("cert_chain", "hsk_cek", "cek", with: chain)
        #expect(try await session.refusal(Evidence(tee: .csv, content: changed), hygon) == "chain_not_trusted")
        for usage: [UInt8] in [[0x04, 0x10, 0, 0, 4, 0, 0, 0], [0x02, 0x10, 0, 0, 1, 0, 0, 0]] {
            #expect(try await session.refusal(of: hygon.twin { $0.signatureUsage = usage }) == "signature_invalid")
        }
    }

    @Test("11g: whoever changes the mask of an honest report of version 1 changes the report data with it")
    func mask() async throws {
        let hygon = try SimulatedHygon(.v1)
        let evidence = try hygon.evidence(bound: session.digest)
        let data = try Base64.decode(#require(evidence.content["attestation_report"]?["data"]?.stringValue))
        // Usage and algorithm, which nobody signs, are masked anew so that they still read as they should.
        for bit in 0..<32 {
            var changed = data
            for offset in stride(from: 180, to: 192, by: 4) { changed[offset + bit / 8] ^= 1 << UInt8(bit % 8) }
            let content = evidence.content.replacing(
                "attestation_report", "data", with: .string(Base64.encode(changed)))
            #expect(try await session.refusal(Evidence(tee: .csv, content: content), hygon) != nil, "bit \(bit)")
        }
    }

    @Test("11g: a guest that chooses its report data and shifts the mask of version 1 proves no policy")
    func shiftedMask() async throws {
        // Its own policy allows debugging; the shifted one forbids it.
        let shift: [UInt8] = [0x3F ^ 0x3E, 0, 0, 0]
        let chosen = session.digest + [UInt8](repeating: 0, count: 64 - session.digest.count)
        let hygon = try SimulatedHygon(.v1).twin {
            $0.policy = 0x3E
            $0.sendsPlainSigner = true
        }
        let evidence = try hygon.evidence(bound: chosen.enumerated().map { $1 ^ shift[$0 % 4] })
        var data = try Base64.decode(#require(evidence.content["attestation_report"]?["data"]?.stringValue))
        for offset in stride(from: 180, to: 192, by: 4) { data[offset] ^= shift[0] }
        let content = evidence.content.replacing("attestation_report", "data", with: .string(Base64.encode(data)))
        let claims = try await session.claims(Evidence(tee: .csv, content: content), hygon)
        #expect(claims["policy"] == nil && claims["vm_id"] == nil && claims["vm_version"] == nil)
        let second = try SimulatedHygon(.v2)
        let proved = try await session.claims(second.evidence(bound: session.digest), second)
        #expect(proved["policy"]?["nodbg"] == 1 && proved["vm_id"] != nil && proved["vm_version"] != nil)
    }

    @Test("an event log counts when the registers of version 2 prove it")
    func eventLog() async throws {
        let log = try Vectors.bytes("eventlog/csv-ccel-sm3/log.bin")
        let parsed = try EventLog.parse(log)
        let replayed = try parsed.replay(.sm3)
        let registers = (0..<5).map { replayed[UInt32($0)] ?? [UInt8](repeating: 0, count: 32) }
        let hygon = try SimulatedHygon(.v2).twin {
            $0.registers = registers
            $0.eventLog = log
        }
        #expect(try await session.refusal(of: hygon) == nil)
        let other = hygon.twin { $0.registers[2][0] ^= 1 }
        #expect(try await session.refusal(of: other) == "event_log_mismatch")
    }
}
