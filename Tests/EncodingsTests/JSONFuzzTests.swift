import Encodings
import TestInput
import Testing

@Suite("Random JSON input")
struct JSONFuzzTests {
    private static let seeds = [
        #"{"a":[1,-2.5e3,"x\u00e9\n",{"b":null}],"c":true}"#, #"[[[[]]],{"":{}},"\ud83d\ude00",0.1,1E-7]"#,
        #"{"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":"P-256","kty":"EC","x":"_-","y":"é"}}"#,
    ].map { Array($0.utf8) }

    @Test("changed texts are either refused or survive a round trip", arguments: 0..<4)
    func mutations(run: Int) throws {
        var generator = SeededGenerator(seed: UInt64(run) + 1)
        for _ in 0..<4000 {
            var bytes = Self.seeds[Int.random(in: 0..<Self.seeds.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                Self.mutate(&bytes, using: &generator)
            }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            let again = try JSONValue(parsing: value.serialized())
            #expect(again == value)
            #expect(try JSONValue(parsing: value.pretty()) == value)
            if let canonical = try? value.canonical() {
                #expect(try JSONValue(parsing: canonical).canonical() == canonical)
            }
        }
    }

    @Test("random bytes never get further than an error")
    func noise() {
        var generator = SeededGenerator(seed: 99)
        let alphabet = Array("{}[]\",:\\u0123eE+-.truefalsn \n\u{0}é".utf8) + [0xFF, 0xC0]
        for _ in 0..<8000 {
            let length = Int.random(in: 0...40, using: &generator)
            let bytes = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            if let value = try? JSONValue(parsing: bytes) {
                #expect((try? JSONValue(parsing: value.serialized())) == value)
            }
        }
    }

    private static func mutate(_ bytes: inout [UInt8], using generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: position)
        case 2: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: position)
        default: bytes.removeSubrange(position...)
        }
    }
}
