import Foundation
import TestPrograms
import Testing

@Suite("Release")
struct ReleaseTests {
    @Test(
        "every program says the version that the chart installs",
        arguments: ["claviger-broker", "attestation-agent", "claviger-controller", "claviger"])
    func version(_ name: String) async throws {
        let chart = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../Charts/claviger/Chart.yaml")
        let installed = try String(contentsOf: chart.standardizedFileURL, encoding: .utf8)
        let program = try await #require(BuiltProgram(name)).run(["--version"])
        let version = program.outputText.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(await program.status() == 0)
        #expect(!version.isEmpty && installed.contains("\nappVersion: \"\(version)\"\n"), "\(version)")
    }
}
