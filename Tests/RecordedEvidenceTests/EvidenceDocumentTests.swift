import Compression
import Encodings
import Foundation
import RATS
import Testing

@testable import RecordedEvidence

@Suite("Evidence in files")
struct EvidenceDocumentTests {
    private func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: "\(Recorded.root)/\(name)")))
    }

    @Test(
        "the form of a file tells what kind of evidence it is",
        arguments: [
            ("snp/genoa-v3-trustee-e2e/evidence.json", TEE.snp), ("snp/genoa-v3-trustee-e2e/report.bin", .snp),
            ("az-snp-vtpm/trustee-v0/evidence.json", .azSNPvTPM), ("az-snp-vtpm/trustee-v2/evidence.json", .azSNPvTPM),
            ("az-tdx-vtpm/trustee-v1/evidence.json", .azTDXvTPM), ("tpm/trustee/evidence.json", .tpm),
            ("cca/example-trustee/evidence.json", .cca), ("nitro/dstack/evidence.json", .nitro),
            ("csv/trustee-evidence/evidence.json", .csv),
        ])
    func kinds(name: String, tee: TEE) throws {
        #expect(try EvidenceDocument.evidence(bytes(name)).tee == tee)
    }

    @Test("what is no evidence, or of another kind than was named, is refused")
    func unknown() throws {
        for text in ["", "{}", "[]", "hello", #"{"quote":"AAAA"}"#, #"{"quote":"!"}"#] {
            #expect(throws: RecordedEvidenceError.self) { try EvidenceDocument.evidence(Array(text.utf8)) }
        }
        let report = try bytes("snp/genoa-v3-trustee-e2e/report.bin")
        #expect(throws: RecordedEvidenceError.self) { try EvidenceDocument.evidence(report, tee: .tdx) }
        #expect(throws: RecordedEvidenceError.self) { try EvidenceDocument.evidence(Array(report.dropLast())) }
        let tooLarge = [UInt8](repeating: 0x20, count: EvidenceDocument.maximumSize + 1)
        #expect(throws: RecordedEvidenceError.self) { try EvidenceDocument.evidence(tooLarge) }
    }

    @Test("a raw report and the guest's document about it come to the same verdict")
    func forms() async throws {
        let context = VerificationContext(clock: .fixed(try Date("2025-06-26T00:00:00Z", strategy: .iso8601)))
        let raw = try EvidenceDocument.evidence(bytes("snp/genoa-v3-trustee-e2e/report.bin"))
        let document = try EvidenceDocument.evidence(bytes("snp/genoa-v3-trustee-e2e/evidence.json"))
        let good = await EvidenceVerdict(
            on: document, by: OfflineVerifiers.all(.careful), reportData: nil, context: context)
        #expect(good.summary == "accepted")
        #expect(!good.isBound)
        // The raw report came without its key's certificate, and nothing is asked of the network.
        let bare = await EvidenceVerdict(on: raw, by: OfflineVerifiers.all(.careful), reportData: nil, context: context)
        #expect(bare.summary == "refused: collateral_unavailable")
        let unbound = await EvidenceVerdict(
            on: document, by: OfflineVerifiers.all(.careful), reportData: [1, 2, 3], context: context)
        #expect(unbound.summary == "refused: report_data_mismatch")
    }

    @Test("A23: compressed files that are damaged, followed by more, or larger than allowed are refused")
    func gzip() throws {
        // 1,000 zero bytes.
        let good = try Hex.decode("1f8b08000000000002ff63601805a360140c77000080170b06e8030000")
        let bomb = Gzip.decompressed(good, limit: 999)
        #expect(Gzip.isCompressed(good))
        #expect(bomb == nil)
        #expect(Gzip.decompressed(good, limit: 1_000) == [UInt8](repeating: 0, count: 1_000))
        for count in 0..<good.count { #expect(Gzip.decompressed(Array(good[..<count]), limit: 4_096) == nil) }
        #expect(Gzip.decompressed(good + [0], limit: 4_096) == nil)
    }
}
