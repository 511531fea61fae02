import Encodings
import KBSProtocol
import RATS
import TestInput
import Testing

@Suite("A23: parsers survive mutated input")
struct ParserFuzzTests {
    private func mutate(_ seed: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...6, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(Array("\"'[]{}=.,\\\n#:/%+0".utf8).randomElement(using: &generator) ?? 0, at: index)
            case 3: bytes.removeSubrange(index..<min(bytes.count, index + 9))
            default: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 17)], at: index)
            }
        }
        return bytes
    }

    @Test("attestations of every dialect")
    func attestations() throws {
        var generator = SeededGenerator(seed: 1)
        for recorded in RecordedCase.all {
            let seed = Array(try recorded.text("/attestation_raw").utf8)
            let session = try recorded.session(concatenatedBinding: true)
            let original = try AttestRequest(parsing: seed, session: session)
            for _ in 0..<400 {
                let mutated = mutate(seed, &generator)
                guard let request = try? AttestRequest(parsing: mutated, session: session) else { continue }
                #expect(request.reportDataCandidates.count == original.reportDataCandidates.count)
                #expect(!request.teeKey.isEmpty)
            }
        }
    }

    @Test("TOML documents")
    func toml() throws {
        var generator = SeededGenerator(seed: 2)
        let seeds = [
            Array(try Vectors.text("initdata/peerpods-provision-test.toml").utf8),
            Array("a.b=1\n[c]\nd=[1,{e='x'}]\n[[f]]\ng=\"\"\"\\u00e9\n\"\"\"\nh=1979-05-27 07:32:00Z # x\n".utf8),
        ]
        for seed in seeds {
            for _ in 0..<1500 {
                let text = String(decoding: mutate(seed, &generator), as: UTF8.self)
                _ = try? TOMLDocument.parse(text)
                _ = try? InitData(toml: text)
            }
        }
    }

    @Test("requests, challenges, paths and URIs")
    func smallMessages() {
        var generator = SeededGenerator(seed: 3)
        let request = AuthRequest(tee: .snp).serialized()
        let challenge = Challenge.fresh().serialized()
        let uri = Array("kbs+plugin://host:80/a/b/c?x=%20y&z".utf8)
        for _ in 0..<4000 {
            _ = try? AuthRequest(parsing: mutate(request, &generator))
            _ = try? Challenge(parsing: mutate(challenge, &generator)).hashAlgorithm()
            let text = String(decoding: mutate(uri, &generator), as: UTF8.self)
            if let path = try? ResourcePath(text) { #expect(path.description == text) }
            if let parsed = try? ResourceURI(text) { #expect((try? ResourceURI(parsed.description)) == parsed) }
        }
    }
}
