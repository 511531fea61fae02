import Encodings
import Testing

@testable import JOSE

@Suite("Detached JWS")
struct DetachedTests {
    @Test("the example of RFC 8037 appendix A.4 verifies with its payload taken out, and with no other payload")
    func rfc8037() throws {
        // RFC 7515 appendix F: the middle part is simply not there.
        let detached =
            "eyJhbGciOiJFZERTQSJ9.."
            + "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        let key = try VerificationKey(
            jwk: ["kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"])
        let payload = Array("Example of Ed25519 signing".utf8)
        #expect(try JWS(detached: detached, payload: payload).verify(with: key) == payload)
        for other in [[], Array("Example of Ed25519 signing ".utf8), Array("example of Ed25519 signing".utf8)] {
            #expect(
                errorCode { _ = try JWS(detached: detached, payload: other).verify(with: key) } == "invalid_signature")
        }
    }

    @Test("a detached signature is the compact one without its middle", arguments: [SignatureAlgorithm.es384, .edDSA])
    func roundTrip(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let payload = [UInt8](repeating: 7, count: 3 << 20)
        let detached = try JWS.signDetached(header: ["typ": "x"], payload: payload, with: key)
        let parts = detached.split(separator: ".", omittingEmptySubsequences: false)
        #expect(parts.count == 3 && parts[1].isEmpty)
        #expect(try JWS(detached: detached, payload: payload).verify(with: key.verificationKey) == payload)
        let whole = "\(parts[0]).\(Base64.encodeURL([1, 2]))." + Base64.encodeURL([3])
        #expect(try JWS(compact: whole).payload == [1, 2])
    }

    @Test(
        "what is not detached, or demands an extension, is refused",
        arguments: [
            "", ".", "..", "a..b..c", "eyJhbGciOiJFZERTQSJ9.YQ.YQ", "eyJhbGciOiJub25lIn0..YQ",
            "eyJhbGciOiJFZERTQSIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..YQ", "eyJhbGciOiJIUzI1NiJ9..YQ",
            String(repeating: "e", count: 20_000) + "..YQ",
        ])
    func refused(text: String) {
        #expect(throws: JOSEError.self) { try JWS(detached: text, payload: [1]) }
    }
}
