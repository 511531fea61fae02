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
}
