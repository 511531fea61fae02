import ArgumentParser
import Encodings
import Foundation
import Testing

@testable import claviger

@Suite("evidence commands")
struct EvidenceCommandTests {
    private static let vectors = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("VerificationTests/Vectors").path
    private static let genoa = "\(vectors)/snp/genoa-v3-trustee-e2e/evidence.json"
    private static let reportData =
        "7e7320889600c7ac133aea7b896c51f41026002982292a7369559796999c1bf9"

    /// The exit status of a command.
    private func status(_ arguments: String...) async -> Int32 {
        do {
            guard var command = try EvidenceCommand.parseAsRoot(arguments) as? any AsyncParsableCommand else {
                return -1
            }
            try await command.run()
            return 0
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            return CommandFailure(describing: error)?.status.rawValue ?? EvidenceCommand.exitCode(for: error).rawValue
        }
    }

    @Test("good evidence is verified at its time, and refused at others, for others and without its collateral")
    func verify() async {
        let at = "2025-06-26T00:00:00Z"
        #expect(await status("verify", Self.genoa, "--at", at) == 0)
        #expect(await status("verify", Self.genoa, "--at", at, "-o", "json") == 0)
        #expect(await status("verify", Self.genoa, "--at", "2005-06-26T00:00:00Z") == 2)
        #expect(await status("verify", Self.genoa, "--at", at, "--report-data", Self.reportData) == 2)
        #expect(await status("verify", Self.genoa, "--at", at, "--tee", "tdx") == 2)
        let debug = "\(Self.vectors)/snp/milan-v2-debug-go-sev-guest/evidence.json"
        #expect(await status("verify", debug, "--at", "2025-03-01T00:00:00Z") == 2)
        #expect(await status("show", debug, "--at", "2025-03-01T00:00:00Z") == 0)
    }

    @Test("a manifest is reviewed as a whole, and what comes out otherwise changes the exit status")
    func manifest() async throws {
        let good = "\(Self.vectors)/snp/manifest.json"
        let scratch = try Scratch()
        // Evidence is not read through links.
        try FileManager.default.copyItem(atPath: "\(Self.vectors)/snp", toPath: scratch.path + "/snp")
        let entries = try #require(JSONValue(parsing: Data(contentsOf: URL(filePath: good)).map { $0 }).arrayValue)
        // Roots are pinned in the program; their files are not kept a second time.
        let text = JSONValue.array(entries.filter { $0["expect"] != "trust-anchor" }).serializedString()
        let path = scratch.path + "/manifest.json"
        try Data(text.utf8).write(to: URL(filePath: path))
        #expect(await status("verify", "--manifest", path) == 0)
        try Data(text.replacing("\"reject\"", with: "\"accept\"").utf8).write(to: URL(filePath: path))
        #expect(await status("verify", "--manifest", path) == 1)
    }

    @Test(
        "what cannot be meant is refused as wrong usage",
        arguments: [
            ["verify"], ["verify", "a", "--manifest", "b"], ["verify", "a", "--at", "yesterday"],
            ["verify", "a", "--tee", "abacus"], ["verify", "a", "--report-data", "xyz"],
            ["verify", "a", "--report-data", "00", "--nonce", "00"],
        ])
    func usage(arguments: [String]) {
        #expect(throws: (any Error).self) { try EvidenceCommand.parseAsRoot(arguments) }
    }
}
