import Testing

@testable import Guest

@Suite("Azure: reports of paravisors")
struct HCLReportTests {
    @Test("recorded reports of paravisors are read, and cut ones are not", arguments: ["snp", "tdx"])
    func recordedReports(name: String) throws {
        let bytes = try Vectors.bytes("azure/hcl-report-\(name).bin")
        let report = try HCLReport(parsing: bytes)
        #expect(report.kind == (name == "snp" ? .snp : .tdx))
        #expect(report.tdReport.count == 1024)
        for cut in [0, 4, 1235, 1240] {
            #expect(throws: GuestError.self) { try HCLReport(parsing: Array(bytes.prefix(cut))) }
        }
    }
}
