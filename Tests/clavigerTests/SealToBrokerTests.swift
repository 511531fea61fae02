import Broker
import Encodings
import Foundation
import GuestTestSupport
import JOSE
import Policy
import TestPrograms
import Testing

private let claviger = BuiltProgram("claviger")

@Suite("sealing to a broker", .timeLimit(.minutes(5)), .enabled(if: claviger != nil, "claviger is not built"))
struct SealToBrokerTests {
    @Test("a value is sealed offline to saved keys, for one object, as a document that can be applied")
    func seal() async throws {
        let scratch = try Scratch()
        let key = try JWEPrivateKey.generate(.ecP256)
        let keys: JSONObject = ["keys": [.object(key.publicJWK)]]
        let keyFile = scratch.path + "/keys.json"
        try Data(keys.serialized()).write(to: URL(filePath: keyFile))
        let valueFile = scratch.path + "/value"
        try Data("hunter2".utf8).write(to: URL(filePath: valueFile))
        func run(_ more: String...) async throws -> RunningProgram {
            try await #require(claviger).run(
                [
                    "secret", "seal-to-broker", "--keys", keyFile, "--namespace", "payments", "--name", "db",
                    "--file", valueFile,
                ] + more)
        }
        let sealed = try await run("--path", "database/password", "--serial", "7", "--document")
        #expect(await sealed.status() == 0, "\(sealed.errorText)")
        #expect(!sealed.outputText.contains("hunter2"))
        let document = try #require(try ResourceParser.parse(sealed.outputText, source: "out").first)
        guard case .brokeredSecret(let spec) = document.spec, case .sealed(let text) = spec.origin else {
            Issue.record("no sealed secret")
            return
        }
        let message = try SealedForBroker(text)
        #expect(message.secret == "payments/db" && message.path == "payments/database/password" && message.serial == 7)
        #expect(try key.decrypt(compact: text).plaintext == SecretBytes(Array("hunter2".utf8)))
        let bare = try await run("--path", "database/password", "--serial", "8")
        #expect(await bare.status() == 0 && bare.outputText.split(separator: ".").count == 5)
        for wrong in [
            ["--path", "a/b/c", "--serial", "1"], ["--path", "a/b", "--serial", "0"],
            ["--path", "../b", "--serial", "1"],
        ] {
            let refused = try await #require(claviger).run(
                [
                    "secret", "seal-to-broker", "--keys", keyFile, "--namespace", "payments", "--name", "db",
                    "--file", valueFile,
                ] + wrong)
            #expect(await refused.status() != 0, "\(wrong)")
        }
    }
}
