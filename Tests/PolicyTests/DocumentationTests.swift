import Foundation
import RATS
import Testing

@testable import Policy

@Suite("docs/policy.md")
struct DocumentationTests {
    private struct Block {
        let line: Int
        let text: String
    }

    private func page() throws -> String {
        let file = Fixture.policiesFolder.deletingLastPathComponent().appending(path: "docs/policy.md")
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// The fenced blocks of one language.
    private func blocks(_ language: String) throws -> [Block] {
        var blocks: [Block] = []
        var open: (line: Int, lines: [Substring])?
        for (index, line) in try page().split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if let block = open, line == "```" {
                blocks.append(Block(line: block.line, text: block.lines.joined(separator: "\n")))
                open = nil
            } else if open != nil {
                open?.lines.append(line)
            } else if line == "```\(language)" {
                open = (index + 2, [])
            }
        }
        return blocks
    }

    @Test("every YAML example is a policy that compiles, and together they cover every kind")
    func examples() throws {
        let blocks = try blocks("yaml")
        #expect(blocks.count >= 7)
        var kinds: Set<PolicyKind> = []
        for block in blocks {
            do {
                let documents = try PolicyParser.parse(block.text, source: "docs/policy.md from line \(block.line)")
                kinds.formUnion(documents.map(\.kind))
                _ = try PolicyBundle(documents)
            } catch {
                Issue.record("\(error)")
            }
        }
        #expect(kinds == Set(PolicyKind.allCases))
    }

    @Test("the Rego example is recognised as Rego")
    func rego() throws {
        let rego = try blocks("rego")
        #expect(rego.count == 1)
        for block in rego { #expect(Fixture.diagnostics(block.text).map(\.code) == ["rego"]) }
    }

    @Test("every reason, TEE, trust claim and class is explained")
    func complete() throws {
        let page = try page()
        for reason in DecisionReason.allCases { #expect(page.contains("| `\(reason.rawValue)` |"), "\(reason)") }
        let words =
            TEE.allCases.map(\.rawValue) + TrustClaim.allCases.map(\.rawValue) + PolicyKind.allCases.map(\.rawValue)
            + ReferenceValueState.allCases.map(\.rawValue)
            + ["cpu", "gpu", "switch", "ppcie", "dcu", "nvidia-dpu"]
        for word in words { #expect(page.contains("`\(word)`"), "\(word)") }
    }

    @Test("the tutorial's policy and values release what it says they release")
    func tutorial() throws {
        let examples = try blocks("yaml").prefix(3).map(\.text)
        try #require(examples.count == 3)
        let appraising = try Fixture.readyPolicy("default-cpu.yaml")
        func decide(_ documents: [String]) throws -> Decision {
            let bundle = try PolicyBundle(
                PolicyParser.parse(documents.joined(separator: "\n---\n"), source: "docs/policy.md"))
            let appraisals = try bundle.appraise([Fixture.input()], now: Fixture.now).get()
            let attestation = Fixture.attestation(appraisals)
            return bundle.decide(Fixture.request("demo/secret/greeting", attestation: attestation))
        }
        #expect(try decide([appraising]).reason == .noPolicies)
        #expect(try decide([appraising, examples[0]]).reason == .conditionFalse)
        #expect(try decide([appraising, examples[0], examples[1]]).allowed)
        let limited = try decide([appraising] + examples)
        #expect(limited.reason == .guardrailDenied)
        #expect(limited.message.contains("version 2 is needed, not 1"))
    }
}
