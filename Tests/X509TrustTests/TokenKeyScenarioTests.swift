import Encodings
import Foundation
import JOSE
import Testing
import X509Trust

@Suite("KBS 12.4.22: keys in token headers with certificate chains")
struct TokenKeyScenarioTests {
    /// Within the validity of every recorded certificate.
    private let date = Date(timeIntervalSince1970: 1_790_000_000)

    /// What a relying party does with the key of a token's header.
    private func accepts(_ scenario: String, at date: Date) throws -> Bool {
        let jwk = try #require(Vectors.json("\(scenario)-jwk.json").objectValue)
        let anchors = try Certificate.all(pem: Vectors.text("\(scenario)-trust.pem")).map(\.der)
        let chain = try (jwk["x5c"]?.arrayValue ?? []).map { try Base64.decodeLenient(#require($0.stringValue)) }
        guard let leaf = chain.first else { return false }
        let key = try VerificationKey(jwk: jwk)
        guard try Certificate(der: leaf).publicKeyDER == key.subjectPublicKeyInfoDER else { return false }
        do {
            try CertificateChain.verify(
                leaf: leaf, intermediates: Array(chain.dropFirst()), anchors: anchors, at: date)
            return true
        } catch {
            return false
        }
    }

    @Test(
        "each scenario is accepted or refused as recorded",
        arguments: [
            ("scenario01", true), ("scenario02", false), ("scenario03", false), ("scenario04", false),
            ("scenario05", true), ("scenario06", true), ("scenario07", true),
        ])
    func scenarios(name: String, accepted: Bool) throws {
        #expect(try accepts(name, at: date) == accepted)
    }

    @Test("outside the validity of its certificates no scenario is accepted")
    func validity() throws {
        for seconds in [1_700_000_000.0, 2_200_000_000.0] {
            #expect(try !accepts("scenario01", at: Date(timeIntervalSince1970: seconds)))
            #expect(try !accepts("scenario06", at: Date(timeIntervalSince1970: seconds)))
        }
    }
}
