import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import GuestTestSupport
import RATS
import TestPrograms
import Testing
import Verification
import X509Trust

@testable import Guest

@Suite("The attesters for Azure, with a real TPM", .timeLimit(.minutes(5)))
struct AzureAttesterTests {
    private static let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded())

    private static func digest(_ text: String) -> [UInt8] { Array(SHA384.hash(data: Array(text.utf8))) }

    private static func attester(_ tpm: SoftwareTPM, metadata: String) throws -> AzureAttester? {
        try AzureAttester(TPMDevice(tpm.socket, kernel: RealKernel()), metadata: metadata)
    }

    /// Runs the paravisor while `body` works.
    private static func serving<T: Sendable>(
        _ paravisor: SimulatedParavisor, _ body: @Sendable @escaping () async throws -> T
    ) async throws -> T {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await paravisor.serve() }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    private static func isBelieved(
        _ content: JSONValue, by verifier: any EvidenceVerifier, _ context: VerificationContext, _ digest: [UInt8]
    ) async -> Bool {
        let binding = EvidenceBinding(reportData: [digest])
        let evidence = Evidence(tee: verifier.tee, content: content)
        return (try? await verifier.verify(evidence, binding: binding, context: context)) != nil
    }

    @Test("GC 9.A.17: evidence of SEV-SNP has the reference's form, and our verifier believes it for its session alone")
    func snp() async throws {
        let amd = try SimulatedAMD(.genoa, at: Self.now)
        let guest = try SimulatedSNPGuest(amd)
        let paravisor = try await SimulatedParavisor(kind: 2) { try guest.signedReport(bound: $0) }
        let pem = try Certificate(der: try #require(guest.certificate)).pem
        let verifier = AzureSNPVerifier(.init(snp: .init(anchors: amd.anchors)))
        let context = VerificationContext(clock: .fixed(Self.now), collateral: FixedCollateral(try amd.collateral()))
        let answer: JSONObject = ["vcekCert": .string(pem), "certificateChain": "", "tcbm": "DB18000000000004"]
        try await LocalService.run { request in
            guard request.path == "/metadata/THIM/amd/certification", request.headers["metadata"] == "true" else {
                return (400, [])
            }
            return (200, answer.serialized())
        } _: { metadata in
            let attester = try #require(try Self.attester(paravisor.tpm, metadata: metadata))
            #expect(attester.tee == .azSNPvTPM)
            let contents = try await Self.serving(paravisor) {
                // Two sessions at the same time, whose user data would replace each other's.
                async let first = attester.evidence(reportData: Self.digest("first"))
                async let second = attester.evidence(reportData: Self.digest("second"))
                return try await [first, second]
            }
            let object = try #require(contents[0].objectValue)
            #expect(object.names == ["version", "tpm_quote", "hcl_report", "vcek"])
            #expect(object["tpm_quote"]?.objectValue?.names == ["signature", "message", "pcrs"])
            #expect(object["hcl_report"]?.stringValue.map { $0.utf8.count % 4 } == 0)
            #expect(await Self.isBelieved(contents[0], by: verifier, context, Self.digest("first")))
            #expect(await Self.isBelieved(contents[1], by: verifier, context, Self.digest("second")))
            #expect(await !Self.isBelieved(contents[0], by: verifier, context, Self.digest("second")))
        }
    }

    @Test("GC 9.A.17: evidence of TDX carries the quote that the metadata service made of the paravisor's report")
    func tdx() async throws {
        let intel = try SimulatedIntel(at: Self.now)
        let platform = try intel.platform()
        let domain = try SimulatedTrustDomain(on: platform, eventLog: nil)
        let paravisor = try await SimulatedParavisor(kind: 4) { digest in
            let field = digest + [UInt8](repeating: 0, count: 32)
            return Self.tdReport(domain.report.replacing(.reportData, with: field).bytes)
        }
        let collateral = try SimulatedIntelCollateral(intel, for: platform.draft).items()
        let verifier = AzureTDXVerifier(.init(tdx: .init(collateral: .init(anchors: intel.anchors))))
        let context = VerificationContext(clock: .fixed(Self.now), collateral: FixedCollateral(collateral))
        try await LocalService.run { request in
            let body = try JSONValue(parsing: request.body)
            guard request.path == "/acc/tdquote", request.method == "POST",
                let report = try body["report"]?.stringValue.map(Base64.decodeURL), report.count == 1024
            else { return (400, []) }
            let quote = try domain.quote(bound: Array(report[128..<192]))
            return (200, JSONValue.object(["quote": .string(Base64.encodeURL(quote))]).serialized())
        } _: { metadata in
            let attester = try #require(try Self.attester(paravisor.tpm, metadata: metadata))
            #expect(attester.tee == .azTDXvTPM)
            let content = try await Self.serving(paravisor) {
                try await attester.evidence(reportData: Self.digest("session"))
            }
            #expect(content.objectValue?.names == ["version", "tpm_quote", "hcl_report", "td_quote"])
            #expect(await Self.isBelieved(content, by: verifier, context, Self.digest("session")))
            #expect(await !Self.isBelieved(content, by: verifier, context, Self.digest("another")))
        }
    }

    @Test("without a paravisor there is no attester, and without its services no evidence but a reason")
    func failures() async throws {
        let bare = try await SoftwareTPM()
        #expect(try Self.attester(bare, metadata: AzureAttester.usualMetadata) == nil)
        let guest = try SimulatedSNPGuest(SimulatedAMD(.genoa, at: Self.now))
        let paravisor = try await SimulatedParavisor(kind: 2) { try guest.signedReport(bound: $0) }
        for (status, body) in [(404, "{}"), (200, "{}"), (200, "no"), (200, #"{"vcekCert":"-----BEGIN"}"#)] {
            try await LocalService.run { _ in
                (status, Array(body.utf8))
            } _: { metadata in
                let attester = try #require(try Self.attester(paravisor.tpm, metadata: metadata))
                await #expect {
                    _ = try await Self.serving(paravisor) { try await attester.evidence(reportData: [1]) }
                } throws: {
                    ($0 as? GuestError)?.code == .evidence
                }
            }
        }
        let attester = try #require(try Self.attester(paravisor.tpm, metadata: "http://127.0.0.1:9"))
        for wrong in [[], [UInt8](repeating: 0, count: 65)] as [[UInt8]] {
            await #expect(throws: GuestError.self) { try await attester.evidence(reportData: wrong) }
        }
    }

    @Test("GC 9.A.17: a certificate in PEM becomes DER, whatever surrounds it, and text that is none becomes nothing")
    func pem() {
        let der: [UInt8] = [0x30, 3, 2, 1, 5]
        let text = "-----BEGIN CERTIFICATE-----\n\(Base64.encode(der))\n-----END CERTIFICATE-----\n"
        #expect(AzureMetadata.certificate(text) == der)
        #expect(AzureMetadata.certificate("x\r\n" + text.split(separator: "\n").joined(separator: "\r\n")) == der)
        #expect(AzureMetadata.certificate(text + text) == der)
        for wrong in [
            "", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----", "AAAA",
        ] {
            #expect(AzureMetadata.certificate(wrong) == nil)
        }
    }

    /// The TDREPORT of the domain that a quote's report is about.
    private static func tdReport(_ domain: [UInt8]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1024)
        bytes[0] = 0x81
        bytes.replaceSubrange(128..<192, with: domain[520..<584])
        // In the quote these parts stand one after the other, except that the module's digest comes with them.
        bytes.replaceSubrange(264..<384, with: domain[0..<120])
        bytes.replaceSubrange(512..<912, with: domain[120..<520])
        return bytes
    }
}
