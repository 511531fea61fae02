import Encodings
import HTTPTransport
import TestInput
import Testing

@testable import Kubernetes

@Suite("Parsers of the Kubernetes client")
struct ParserTests {
    @Test("lines are cut at line feeds alone, wherever the pieces end")
    func splitting() throws {
        let text = "a\u{2028}b\r\u{85}c\n\n{\"x\":\u{0B}1}\nrest"
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            var splitter = LineSplitter(maximumLineBytes: 64)
            var rest = Array(text.utf8)[...]
            var lines: [String] = []
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...9, using: &generator))
                rest = rest.dropFirst(piece.count)
                splitter.append(Array(piece))
                while let line = try splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
            }
            #expect(lines == ["a\u{2028}b\r\u{85}c", "{\"x\":\u{0B}1}"])
            #expect(splitter.hasRest)
        }
    }

    @Test("a line may be as long as the limit and not a byte longer, finished or not")
    func length() throws {
        for (count, fits) in [(10, true), (11, false)] {
            for ending in [[], [0x0A]] as [[UInt8]] {
                var splitter = LineSplitter(maximumLineBytes: 10)
                splitter.append([UInt8](repeating: 0x61, count: count) + ending)
                if fits {
                    #expect(try splitter.next()?.count == (ending.isEmpty ? nil : 10))
                } else {
                    #expect(throws: KubernetesError.self) { try splitter.next() }
                }
            }
        }
    }

    @Test("no change of an event is read as anything but an event with name and version, or refused with its own error")
    func events() {
        var generator = SeededGenerator(seed: 2)
        let seeds = [
            ScriptedServer.event("ADDED", ScriptedServer.pod("x", version: 10)),
            ScriptedServer.event(
                "ERROR", ScriptedServer.status(410, "Expired", details: #"{"causes":[{"field":"a"}]}"#)),
            ScriptedServer.event(
                "BOOKMARK",
                #"{"metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}"#),
        ].map { Array($0.utf8) }
        for round in 0..<6_000 {
            var line = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...3, using: &generator) { line.mutate(&generator) }
            do throws(KubernetesError) {
                let event = try WatchEvent(line: line, kind: "Pod", maximumBytes: 65_536)
                #expect(!event.resourceVersion.isEmpty)
            } catch {
                #expect(error.message.unicodeScalars.count <= 1_100)
            }
        }
    }

    @Test("no change of an answer is read as anything but a page, an object or an error of the client's own")
    func answers() {
        var generator = SeededGenerator(seed: 3)
        let list =
            #"{"kind":"PodList","metadata":{"resourceVersion":"9","continue":"n"},"items":[{"metadata":{"name":"x"}}]}"#
        for round in 0..<6_000 {
            var body = Array([list, ScriptedServer.status(409, "Conflict")][round % 2].utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) { body.mutate(&generator) }
            let status = [200, 201, 409, 429, 504].randomElement(using: &generator) ?? 200
            let response = HTTPResponse(status: status, headers: [("Retry-After", "-1")], body: body)
            do throws(KubernetesError) {
                let page = try AnswerReader.page(response, of: .pods, metadataOnly: false)
                #expect(!page.resourceVersion.isEmpty && page.items.allSatisfy { !$0.name.isEmpty })
                #expect(status < 300)
            } catch {
                #expect(error.retryAfter == nil)
                if status < 300 { #expect(error.kind == .malformed) }
            }
        }
    }
}

extension [UInt8] {
    /// Changes, removes, repeats or inserts something somewhere.
    mutating func mutate(_ generator: inout SeededGenerator) {
        guard !isEmpty else { return append(0x7B) }
        let place = Int.random(in: 0..<count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: self[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 1: remove(at: place)
        case 2:
            insert(
                contentsOf: Array(#"{}[],:"0n\"#.utf8).randomElement(using: &generator).map { [$0] } ?? [], at: place)
        case 3: removeSubrange(place..<Swift.min(count, place + 8))
        default: insert(contentsOf: self[place..<Swift.min(count, place + 16)], at: place)
        }
    }
}
