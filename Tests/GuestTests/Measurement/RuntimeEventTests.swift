import Encodings
import KBSProtocol
import TestInput
import Testing

@testable import Guest

@Suite("Events that agents measure")
struct RuntimeEventTests {
    @Test("GC 9.A.7: content with a line break is refused, and whatever else a reader could take for another event")
    func content() throws {
        #expect(try RuntimeEvent(domain: "domain", operation: "operation", content: "c o n t e n t").text.count == 30)
        for content in ["a\nb", "\n", "a\rb", "a\u{85}b", "a\0", "tab\t"] {
            #expect(throws: GuestError.self) { try RuntimeEvent(domain: "d", operation: "o", content: content) }
        }
        for (domain, operation) in [("", "o"), ("d", ""), ("d d", "o"), ("d", "o o"), ("d\n", "o"), ("d", "o\n")] {
            #expect {
                _ = try RuntimeEvent(domain: domain, operation: operation, content: "c")
            } throws: {
                ($0 as? GuestError)?.code == .invalidRequest
            }
        }
        #expect(throws: GuestError.self) {
            try RuntimeEvent(domain: "d", operation: "o", content: String(repeating: "a", count: 16_384))
        }
    }

    @Test("GC 9.A.8: digests and entries of an event for SHA-256, SHA-384 and SHA-512 are those recorded")
    func digests() throws {
        let vectors = try #require(Vectors.json("aael/event-digests.json").arrayValue)
        #expect(vectors.count == 3)
        for vector in vectors {
            let text = try #require(vector["event"]?.stringValue)
            let words = text.split(separator: " ").map(String.init)
            let event = try RuntimeEvent(domain: words[0], operation: words[1], content: words[2])
            let algorithm = try #require(vector["alg"]?.stringValue.flatMap(HashAlgorithm.init))
            #expect(Hex.encode(event.digest(algorithm)) == vector["digest"]?.stringValue)
            #expect(Hex.encode(event.tagged) == vector["tagged_event_hex"]?.stringValue)
            #expect(
                Hex.encode(event.entry(register: 3, algorithm)) == vector["tcg2_entry_hex_target_mr_3"]?.stringValue)
        }
    }

    @Test("a TPM's numbers lead to the registers of a trust domain, and all that are left to the last")
    func mapping() {
        let indices = (0..<26).map { TDXRegisters.logIndex(ofPCR: $0) }
        #expect(
            indices == [4, 1, 2, 2, 2, 2, 2, 1] + [UInt32](repeating: 3, count: 8) + [UInt32](repeating: 4, count: 10))
        #expect(TDXRegisters.logIndex(ofPCR: .max) == 4)
        // The log counts from one, where MRTD is 0.
        #expect((0..<26).map { UInt32(TDReport.registerIndex(forPCR: $0)) + 1 } == indices)
    }
}
