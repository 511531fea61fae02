import Foundation
import Policy
import Testing

@testable import PolicyTesting

@Suite("docs/policy.md on testing")
struct DocumentationTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func page() throws -> String {
        try String(contentsOf: Self.root.appending(path: "docs/policy.md"), encoding: .utf8)
    }

    /// The fenced blocks with this word behind the fence.
    private func blocks(_ word: String) throws -> [String] {
        let parts = try page().split(separator: "\n```\(word)\n", omittingEmptySubsequences: false).dropFirst()
        return parts.compactMap { $0.split(separator: "\n```", maxSplits: 1).first.map(String.init) }
    }

    @Test("the example of a test file passes with the tutorial's policy")
    func example() throws {
        let example = try #require(blocks("yaml PolicyTest").first)
        let demo = try #require(blocks("yaml").first)
        let suite = try PolicyTestSuite.read(example, source: "demo.test.yaml")[0]
        let documents = try suite.policies.flatMap { name in
            try PolicyParser.parse(
                name == "demo.yaml" ? demo : String(contentsOf: Self.root.appending(path: name), encoding: .utf8),
                source: name)
        }
        let report = try PolicyTestRunner(suite, documents: documents).run()
        #expect(report.results.count == 4)
        #expect(report.failures.map { "\($0.name): \($0.differences)" } == [])
    }

    @Test("every code of lint is explained")
    func codes() throws {
        let page = try page()
        let folder = Self.root.appending(path: "Sources/PolicyTesting/Lint")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let codes = try files.flatMap { file in
            try String(contentsOf: folder.appending(path: file), encoding: .utf8)
                .matches(of: /"([a-z]+(?:_[a-z]+)+)"/).map { String($0.output.1) }
        }
        #expect(Set(codes).count > 15)
        for code in Set(codes) { #expect(page.contains("`\(code)`"), "\(code)") }
    }
}
