import Encodings
import Testing

@testable import JOSE

@Suite("KMAC256")
struct KMAC256Tests {
    @Test("outputs equal those of OpenSSL; the first is sample 4 of NIST SP 800-185")
    func samples() throws {
        let samples = try #require(Vectors.json("openssl-vectors")["kmac256"]?.arrayValue)
        for sample in samples {
            let expected = try Hex.decode(sample.text("output_hex"))
            let code = KMAC256.code(
                key: SecretBytes(try Hex.decode(sample.text("key_hex"))), data: try Hex.decode(sample.text("data_hex")),
                outputBytes: expected.count, customization: Array(try sample.text("customization").utf8))
            #expect(code.copyBytes() == expected)
        }
        #expect(samples.count == 4)
    }

    @Test("keys that end at a block's edge are padded right")
    func blockEdges() throws {
        // Lengths around the end of the first block (2 bytes of rate, 2 or 3 of length), and an empty key.
        let codes = [0, 131, 132, 133, 136, 268].map { length in
            KMAC256.code(key: SecretBytes([UInt8](repeating: 7, count: length)), data: [1], outputBytes: 32).copyBytes()
        }
        #expect(codes.map { Hex.encode($0) } == Self.edgeCodes)
    }

    /// From an implementation in Python, itself checked against OpenSSL.
    private static let edgeCodes = [
        "e9489d41c9249e5b71e4fdde37952e03ebb45bee2f5b9c08a2169ab376abf753",
        "5562d7f1c488e9e669b45b10f55c3b8c7e3500c6699ee2bc8c4a8e08b64fed7e",
        "83ff9f6e524ac38c6e4f49d3f2a8a777857ad32089029d1691e884bb81d600c3",
        "4fee90ac6dfb98ddd3973b850c113d051e58ea88f23cd354dc6f55f29505fac8",
        "ea04d6faafbf6a78e1d1e8074e8dce9867d803085791fcb93cc1208054c6c995",
        "6b223618657afca837f24c2f3783cccedb5a955775a1d6a3d4fbf1d761b00636",
    ]
}
