import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

/// A session with a CSV guest: what it is bound to, and what comes of its evidence.
struct CSVSession {
    let digest = Simulation.digest

    func refusal(
        _ evidence: Evidence, _ hygon: SimulatedHygon?, _ digest: [UInt8]? = nil,
        _ change: (inout CSVVerifier.Options) -> Void = { $0.allowsVersion1 = true }
    ) async throws -> String? {
        var options = CSVVerifier.Options()
        change(&options)
        let root = try hygon.map { try CSVAuthorityCertificate(parsing: $0.rootCertificate(), "The root") } ?? .hygon
        do throws(VerificationError) {
            _ = try await CSVVerifier(options, root: root).verify(
                evidence, binding: EvidenceBinding(reportData: [digest ?? self.digest]), context: VerificationContext())
            return nil
        } catch {
            return error.code
        }
    }

    func refusal(
        of hygon: SimulatedHygon, _ change: (inout CSVVerifier.Options) -> Void = { $0.allowsVersion1 = true }
    ) async throws -> String? {
        try await refusal(hygon.evidence(bound: digest), hygon, nil, change)
    }

    /// The claims of believed evidence, version 1 included.
    func claims(
        _ evidence: Evidence, _ hygon: SimulatedHygon, _ digest: [UInt8]? = nil
    ) async throws -> JSONObject {
        var options = CSVVerifier.Options()
        options.allowsVersion1 = true
        let all = try await CSVVerifier(options, rootCertificate: hygon.rootCertificate()).verify(
            evidence, binding: EvidenceBinding(reportData: [digest ?? self.digest]), context: VerificationContext())
        return all[0].claims
    }

    /// The recorded report of a real processor with the certificates of its chip.
    func recorded() throws -> Evidence {
        let folder = "csv/NZA9T14052605"
        func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64.encode(bytes)) }
        let report = try Vectors.bytes("\(folder)/report.cert")
        let parsed = try CSVReport(parsing: report, magic: [UInt8](repeating: 0, count: 16), flags: 0)
        return Evidence(
            tee: .csv,
            content: [
                "attestation_report": [
                    "data": text(report), "flags": 0, "magic": text([UInt8](repeating: 0, count: 16)),
                ],
                "cert_chain": [
                    "hsk_cek": [
                        "hsk": text(try Vectors.bytes("\(folder)/hsk.cert")),
                        "cek": text(try Vectors.bytes("\(folder)/cek.cert")),
                    ], "pek": text(parsed.signer),
                ],
                "serial_number": text(parsed.serialNumber), "cc_eventlog": .null,
            ])
    }
}
