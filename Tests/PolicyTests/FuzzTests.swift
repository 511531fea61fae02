import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Random input")
struct FuzzTests {
    /// A small generator with a fixed seed, so that a failure can be repeated.
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    static let pieces = [
        "---", "...", "- ", "? ", ": ", "&a ", "*a", "!!str ", "|", ">-", "\"", "'", "{", "}", "[", "]", ",", "#", "%",
        "@", "\t",
        "\n", "\r\n", "\\", "\u{0}", "\u{FEFF}", "é", "😀", "<<", "~", "0x1", "1e999", "reference('", "reference(",
        "claims.", "''",
        "\"\"\"", "kind:", "spec:", "variables.", "&&", "||", "has(", "9999999999999999999", "2001-01-01", "*", "**",
        "/",
    ]

    private func mutate(_ text: String, _ generator: inout Generator) -> String {
        var scalars = Array(text.unicodeScalars)
        for _ in 0..<Int.random(in: 1...6, using: &generator) where !scalars.isEmpty {
            let place = Int.random(in: 0..<scalars.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: scalars.remove(at: place)
            case 1:
                scalars.insert(
                    contentsOf: (Self.pieces.randomElement(using: &generator) ?? "").unicodeScalars, at: place)
            case 2:
                scalars.removeSubrange(place..<min(scalars.count, place + Int.random(in: 1...40, using: &generator)))
            case 3: scalars[place] = Unicode.Scalar(UInt8.random(in: 0...127, using: &generator))
            default:
                let end = min(scalars.count, place + Int.random(in: 1...60, using: &generator))
                scalars.insert(
                    contentsOf: scalars[place..<end], at: Int.random(in: 0...scalars.count, using: &generator))
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }

    @Test("damaged policies are read or refused, never crash, and what is read decides", arguments: 0..<8)
    func damaged(_ seed: Int) throws {
        var generator = Generator(state: UInt64(seed) &* 7919)
        let names = ["default-cpu.yaml", "image-keys.yaml", "no-debug-guests.yaml", "sample-reference-values.yaml"]
        let texts = try names.map { try Fixture.readyPolicy($0) } + [PostureFixture.everything]
        for round in 0..<120 {
            let text = mutate(texts[(round + seed) % texts.count], &generator)
            guard let documents = try? PolicyParser.parse(text, source: "fuzz") else { continue }
            let again = documents.map { try? PolicyParser.parse($0.text, source: "fuzz") }
            #expect(again == documents.map { [$0] }, "\(text)")
            guard let bundle = try? PolicyBundle(documents, registered: Fixture.sampleReferences) else { continue }
            _ = bundle.decide(Fixture.request()).explanation()
            _ = bundle.appraise([Fixture.input()], now: Fixture.now)
        }
    }

    @Test("noise is refused", arguments: 0..<4)
    func noise(_ seed: Int) {
        var generator = Generator(state: UInt64(seed) &+ 99)
        for _ in 0..<200 {
            let count = Int.random(in: 0...40, using: &generator)
            let text = (0..<count).map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined()
            #expect(throws: PolicyError.self) { try PolicyParser.parse(text, source: "noise") }
        }
    }

    @Test("deep YAML does not exhaust the stack of a small thread")
    func smallStack() async {
        let texts = ["[", "{a: ", "- ", "? ", "{? "].map { String(repeating: $0, count: 999) }
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            let thread = Thread {
                for text in texts { _ = try? PolicyParser.parse(text, source: "deep") }
                done.resume()
            }
            thread.stackSize = 2 << 20
            thread.start()
        }
    }
}
