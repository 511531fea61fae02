import Encodings
import RATS
import Verification

#if canImport(Glibc)
    import Glibc
#endif

extension FuzzTarget {
    func eventLog(_ bytes: [UInt8]) {
        guard let log = try? EventLog.parse(bytes) else { return }
        _ = log.findings(in: .platform)
        _ = log.findings(in: .confidentialVM)
        guard log.claims.arrayValue?.count == log.events.count else { abort() }
        // A log leads to what it leads to, and what it proves of itself is all of it.
        for bank in log.algorithms {
            guard let registers = try? log.replay(bank) else { continue }
            guard let proved = try? log.replayed(to: registers, in: bank), proved.events.count == log.events.count
            else { abort() }
        }
    }

    func tpmQuote(_ bytes: [UInt8]) {
        if let statement = try? TPMAttestation(parsing: bytes), statement.bytes != bytes { abort() }
        _ = try? TPMSignature(parsing: bytes)
    }

    func tpmKey(_ bytes: [UInt8]) {
        guard let area = try? TPMPublicArea(parsing: bytes) else { return }
        if area.bytes != bytes { abort() }
        _ = area.name
    }

    func tpmEvidence(_ bytes: [UInt8]) {
        guard let content = try? JSONValue(parsing: bytes) else { return }
        _ = try? TPMVerifier().statedReportData(in: Evidence(tee: .tpm, content: content))
        _ = try? AzureSNPVerifier().statedReportData(in: Evidence(tee: .azSNPvTPM, content: content))
        _ = try? AzureTDXVerifier().statedReportData(in: Evidence(tee: .azTDXvTPM, content: content))
    }

    func hclReport(_ bytes: [UInt8]) {
        guard let report = try? HCLReport(parsing: bytes) else { return }
        // Everything that is believed lies in the bytes.
        guard report.runtimeData.count + report.hardwareReport.count <= bytes.count else { abort() }
        _ = try? HCLRuntimeData(parsing: report.runtimeData)
    }
}
