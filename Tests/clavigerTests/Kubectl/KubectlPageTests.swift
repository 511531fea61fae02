import Foundation
import TestPrograms
import Testing

@testable import claviger

/// Holds docs/kubectl.md against what the program prints.
@Suite("kubectl claviger: its page", .timeLimit(.minutes(5)))
struct KubectlPageTests {
    private static let broker = SharedDevelopmentBroker()

    /// A command of the page and the lines that it shows below.
    private struct Example {
        let arguments: [String]
        let lines: [String]

        static func all() throws -> [Example] {
            let file = KubectlFixture.repository.appending(path: "docs/kubectl.md")
            let blocks = try String(contentsOf: file, encoding: .utf8).components(
                separatedBy: "    $ kubectl claviger ")
            return blocks.dropFirst().map { block in
                let lines = block.components(separatedBy: "\n")
                let shown = lines.dropFirst().prefix { $0.isEmpty || $0.hasPrefix("    ") }
                return Example(
                    arguments: lines[0].split(separator: " ").map(String.init),
                    lines: shown.filter { !$0.isEmpty && $0 != "    …" }.map(KubectlPageTests.comparable))
            }
        }
    }

    /// A line without what differs with each run.
    private static func comparable(_ line: String) -> String {
        line.replacing(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, with: "ID")
            .replacing(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z/, with: "TIME")
            .replacing(/\b([0-9a-f]{64}|[0-9a-f]{12})\b/, with: "DIGEST")
            .replacing(/https:\/\/\S+/, with: "URL").replacing(/\b(broker|vm)-\S+/, with: "REPLICA")
            .replacing(/\b[0-9]+[smhd]\b/, with: "AGE").replacing(/\s+/, with: " ")
            .trimmingCharacters(in: .whitespaces)
    }

    @Test("every command of the page prints what the page shows")
    func page() async throws {
        let examples = try Example.all()
        #expect(examples.map(\.arguments.first) == ["why", "decisions", "policies", "status"])
        try await KubectlFixture.run(namespace: "payments", on: Self.broker) { fixture in
            let (before, after) = (examples.prefix(2), examples.dropFirst(2))
            try await fixture.put("keys/db")
            try fixture.cluster.create(fixture.policy("attested", about: "public/*"))
            try fixture.cluster.create(fixture.policy("hardware", about: "keys/*", validation: "tee != 'sample'"))
            try await fixture.controlling(source: "production") { controller in
                try await fixture.wait(controller) {
                    try fixture.isProgrammed("attested") && fixture.isProgrammed("hardware")
                }
                try fixture.pod("api", fetching: ["keys/db"])
                try fixture.setAgent(of: "api", ["state": ["running": [:]]])
                for _ in 0..<2 { try await fixture.ask("keys/db") }
                for example in before { try await Self.check(example, fixture) }
                controller.signal(SIGTERM)
                _ = await controller.status()
            }
            try fixture.cluster.replace(fixture.policy("attested", about: "images/*"))
            try fixture.cluster.delete("ReleasePolicy", "payments", "hardware")
            try fixture.cluster.create(fixture.policy("fresh"))
            for example in after { try await Self.check(example, fixture) }
        }
    }

    private static func check(_ example: Example, _ fixture: KubectlFixture) async throws {
        let answer = try await fixture.kubectl(example.arguments)
        let text = answer.output + answer.errors
        var printed = text.components(separatedBy: "\n").map(comparable)[...]
        for line in example.lines {
            let place = try #require(printed.firstIndex(of: line), "\(line)\nis not in its place in\n\(text)")
            printed = printed[(place + 1)...]
        }
    }
}
