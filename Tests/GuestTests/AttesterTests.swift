import Foundation
import RATS
import Testing

@testable import Guest

@Suite("Attesters")
struct AttesterTests {
    @Test("GC 6: sample evidence of 48 bytes is svn 1 and their base64")
    func sample() async throws {
        let data = [UInt8](repeating: 7, count: 48)
        let evidence = try await SampleAttester().evidence(reportData: data)
        #expect(evidence.serializedString() == #"{"svn":"1","report_data":"\#(Data(data).base64EncodedString())"}"#)
        #expect(try await SampleAttester().additionalEvidence(reportData: data).isEmpty)
    }

    @Test("without a TEE nothing is attested, and the missing paths are named")
    func noTEE() {
        #expect { try AttesterDetection.attester(allowSample: false, root: "/nowhere") } throws: {
            guard let error = $0 as? GuestError else { return false }
            return error.code == .noTEE && error.message.contains("/dev/sev-guest")
                && error.message.contains("/dev/tdx_guest") && error.message.contains("--allow-sample")
        }
    }

    @Test("a TEE that this version cannot use is named and never replaced by sample evidence")
    func unsupported() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "tee-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        try FileManager.default.createDirectory(at: root.appending(path: "dev"), withIntermediateDirectories: true)
        try Data().write(to: root.appending(path: "dev/sev-guest"))
        #expect(AttesterDetection.detectedTEE(root: root.path) == .snp)
        #expect { try AttesterDetection.attester(allowSample: false, root: root.path) } throws: {
            ($0 as? GuestError)?.message.contains("snp") == true
        }
    }

    @Test("the sample attester comes only when it is asked for")
    func allowed() throws {
        #expect(try AttesterDetection.attester(allowSample: true, root: "/nowhere").tee == .sample)
    }
}
