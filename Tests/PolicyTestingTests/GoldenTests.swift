import Foundation
import Policy
import Testing

@testable import PolicyTesting

@Suite("Golden decision tables")
struct GoldenTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every test file beside the ready policies and among the golden tables.
    static func files() -> [URL] {
        ["Policies", "Tests/PolicyTests/Golden"].flatMap { folder -> [URL] in
            let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
            return (names?.compactMap { $0 as? String } ?? []).filter { PolicyTestSuite.isTest(fileName: $0) }.sorted()
                .map { root.appending(path: folder).appending(path: $0) }
        }
    }

    @Test("every case of a golden table comes out as it says", arguments: files())
    func golden(file: URL) throws {
        let suites = try PolicyTestSuite.read(String(contentsOf: file, encoding: .utf8), source: file.lastPathComponent)
        #expect(!suites.isEmpty)
        for suite in suites {
            let documents = try suite.policies.flatMap { name -> [PolicyDocument] in
                let policy = file.deletingLastPathComponent().appending(path: name).standardizedFileURL
                return try PolicyParser.parse(String(contentsOf: policy, encoding: .utf8), source: name)
            }
            let report = try PolicyTestRunner(suite, documents: documents).run()
            #expect(!report.results.isEmpty)
            for failure in report.failures {
                Issue.record("\(suite.name), \(failure.name): \(failure.differences)\n\(failure.findings)")
            }
        }
    }
}
