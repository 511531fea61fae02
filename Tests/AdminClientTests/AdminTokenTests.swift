import AdminClient
import Encodings
import Foundation
import JOSE
import Testing

@Suite("admin tokens")
struct AdminTokenTests {
    @Test("a token says who, for whom, in which role and until when", arguments: [SignatureAlgorithm.edDSA, .es256])
    func content(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let token = try AdminToken.sign(
            AdminToken.Content(subject: "ci", role: "operator", lifetime: .seconds(900)), with: key, now: now)
        let signature = try JWS(compact: String(decoding: token.copyBytes(), as: UTF8.self))
        let claims = try JWTClaims(payload: signature.verify(with: key.verificationKey))
        #expect(signature.algorithm == algorithm)
        #expect(signature.header.names == ["alg", "typ"])
        #expect(claims.issuer == "claviger-admin")
        #expect(try claims.audiences() == ["claviger"])
        #expect(claims.subject == "ci")
        #expect(claims.object["role"] == "operator")
        #expect(claims.expiresAt == 1_800_000_900)
        #expect(claims.object["iat"] == 1_800_000_000)
        #expect(claims.tokenID?.count == 32)
    }

    @Test("a token file is read without the white space around the token")
    func readFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("  aa.bb.cc\n".utf8).write(to: file)
        #expect(try AdminToken.read(file: file.path) == SecretBytes(Array("aa.bb.cc".utf8)))
        // What has no end is not read to its end.
        #expect(throws: AdminClientError.self) { try AdminToken.read(file: "/dev/zero") }
    }

    @Test(
        "a file that holds no token is refused without showing it",
        arguments: ["", "secret", "a.b", "a.b.c\u{7}", "ä.b.c", "a.b\n.c"])
    func refusedFiles(content: String) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(content.utf8).write(to: file)
        #expect {
            _ = try AdminToken.read(file: file.path)
        } throws: { error in
            let text = String(describing: error)
            return (error as? AdminClientError)?.code == .invalidInput && (content.isEmpty || !text.contains(content))
        }
    }
}
