import Foundation
import Testing

@Suite("A22: one verify function")
struct SingleEntranceTests {
    /// The calls of a method `verify` in a source text, each with its arguments.
    private func verifyCalls(in source: String) -> [String] {
        var calls: [String] = []
        var rest = source[...]
        while let found = rest.range(of: ".verify(") {
            var depth = 1
            var end = found.upperBound
            while end < rest.endIndex, depth > 0 {
                if rest[end] == "(" { depth += 1 }
                if rest[end] == ")" { depth -= 1 }
                end = rest.index(after: end)
            }
            calls.append(String(rest[found.lowerBound..<end]))
            rest = rest[found.upperBound...]
        }
        return calls
    }

    private func sources() throws -> [(name: String, text: String)] {
        let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources")
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        // The benchmark is no program that anybody runs, and measures verifiers by themselves.
        let programs = files.compactMap { $0 as? URL }.filter { !$0.pathComponents.contains("claviger-bench") }
        return try programs.filter { $0.pathExtension == "swift" }.map {
            ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8))
        }
    }

    @Test("only the registry calls a verifier")
    func onlyTheRegistry() throws {
        let sources = try sources()
        #expect(sources.count > 20)
        let callers = sources.flatMap { source in
            verifyCalls(in: source.text)
                .filter { $0.contains("binding:") && $0.contains("context:") && !$0.contains("primary:") }
                .map { _ in source.name }
        }
        #expect(callers == ["VerifierRegistry.swift"])
    }

    @Test("the broker and the review of recorded evidence each call the registry in one place, and nobody else does")
    func knownDoors() throws {
        let callers = try sources().flatMap { source in
            verifyCalls(in: source.text).filter { $0.contains("primary:") }.map { _ in source.name }
        }
        #expect(callers.sorted() == ["Broker+Attest.swift", "EvidenceVerdict.swift"])
    }

    @Test("the scan sees calls, and sees their arguments whole")
    func scan() {
        let calls = verifyCalls(in: "a.verify(b(c), binding: d, context: e); f.verify(g)")
        #expect(calls == [".verify(b(c), binding: d, context: e)", ".verify(g)"])
    }
}
