import ArgumentParser
import Compression
import Encodings
import Foundation
import KBSProtocol
import RATS
import Testing

@testable import claviger

@Suite("init-data commands")
struct InitDataCommandTests {
    private static func path(_ name: String) throws -> String { try Vectors.url("initdata/\(name)").path }

    private func fails(_ arguments: String...) throws -> Bool {
        do {
            var command = try InitDataCommand.parseAsRoot(arguments)
            try command.run()
            return false
        } catch {
            return true
        }
    }

    @Test("GC 9.A.19: the digest covers the document's exact bytes, as others computed it")
    func digests() throws {
        let toml = try InitDataDocument.read(Self.path("peerpods-provision-test.toml"))
        let sha384 = try Vectors.text("initdata/peerpods-provision-test.sha384").prefix(96)
        #expect(Hex.encode(toml.digest) == sha384)
        let policy = try InitDataDocument.read(Self.path("init-data-with-policy.toml"))
        #expect(
            try Vectors.text("initdata/init-data-with-policy.digest").contains("sha256 " + Hex.encode(policy.digest)))
    }

    @Test("10.2.14: an annotation is the document; one byte more is another one")
    func annotations() throws {
        let toml = try InitDataDocument.read(Self.path("peerpods-provision-test.toml"))
        let annotation = try InitDataDocument.read(Self.path("peerpods-provision-test.annotation.b64"))
        #expect(annotation.text == toml.text)
        let other = try InitDataDocument.read(Self.path("peerpods-doc-1.annotation.b64"))
        #expect(other.digest != toml.digest)
        #expect(abs(other.text.utf8.count - toml.text.utf8.count) == 1)
        let own = try InitDataDocument.annotationValue(toml)
        #expect(try InitDataDocument.annotationValue(toml) == own)
        #expect(try InitDataDocument.content(of: Array(own.utf8), "x") == Array(toml.text.utf8))
        #expect(try InitDataDocument.content(of: Base64.decode(own), "x") == Array(toml.text.utf8))
    }

    @Test("kata's disk image is read; one that is cut off is refused")
    func image() throws {
        let image = try Vectors.bytes("initdata/initdata.img")
        #expect(try InitDataDocument.content(of: image, "x") == Array("some content".utf8))
        #expect(throws: CommandFailure.self) { try InitDataDocument.content(of: Array(image.prefix(40)), "x") }
    }

    @Test("random bytes are refused or taken as they are, and a bomb is not unpacked")
    func damaged() throws {
        let good = try Base64.decode(
            Vectors.text("initdata/peerpods-provision-test.annotation.b64").trimmingCharacters(
                in: .whitespacesAndNewlines))
        for position in stride(from: 0, to: good.count, by: 7) {
            var changed = good
            changed[position] ^= 0x55
            _ = try? InitDataDocument.content(of: changed, "x")
            _ = try? InitDataDocument.content(of: Array("initdata".utf8) + changed, "x")
        }
        let bomb = try #require(Gzip.compressed([UInt8](repeating: 0x61, count: InitData.maximumBytes + 1)))
        #expect(throws: CommandFailure.self) { try InitDataDocument.content(of: bomb, "x") }
    }

    @Test("10.2.14: build writes the files exactly, the same every time, and kata accepts the document")
    func build() throws {
        let scratch = try Scratch()
        let texts = [
            "aa.toml": "[token_configs.kbs]\nurl = 'https://broker:8080'\n", "cdh.toml": "a = \"\"\"x\n\"\"\"\n",
            "policy.rego": "package agent_policy\ndefault X := \"\\\\\"\n",
            "quotes": "it's '''three''' and \"\"\" too\\", "ends": "with a quote'", "lines": "a\r\nb\u{7}\u{7F}é\n\n",
            "empty": "",
        ]
        var files: [String] = []
        for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
            try Data(text.utf8).write(to: URL(filePath: scratch.path + "/" + name))
            files.append(name == "quotes" ? "quotes=\(scratch.path)/quotes" : "\(scratch.path)/\(name)")
        }
        let out = scratch.path + "/out.toml"
        try InitDataBuildCommand.parse(files + ["--output", out]).run()
        let first = try Data(contentsOf: URL(filePath: out))
        try InitDataBuildCommand.parse(files + ["--output", out]).run()
        #expect(try Data(contentsOf: URL(filePath: out)) == first)
        let document = try InitDataDocument.read(out)
        #expect(document.algorithm == .sha256 && document.objectionsOfKata.isEmpty)
        #expect(Dictionary(uniqueKeysWithValues: document.entries.map { ($0.name, $0.content) }) == texts)
        #expect(document.text.contains("\"aa.toml\" = '''\n[token_configs.kbs]"))

        try InitDataBuildCommand.parse(files + ["--annotation", "--output", scratch.path + "/annotation"]).run()
        #expect(try !fails("verify", out, "--annotation", scratch.path + "/annotation"))
        #expect(try InitDataDocument.read(scratch.path + "/annotation").text == document.text)
        for wrong in [
            [], files + files, files + ["--algorithm", "md5"], files + ["--algorithm", "sm3"], [scratch.path + "/none"],
            ["x.toml=\(scratch.path)/policy.rego"],
        ] {
            #expect(throws: (any Error).self) { try InitDataBuildCommand.parse(wrong).run() }
        }
    }

    @Test("GC 9.A.20: each kind of hardware shows the digest in its own way")
    func measurements() throws {
        let document = try InitDataDocument.read(Self.path("peerpods-provision-test.toml"))
        let short = try InitDataDocument.read(Self.path("init-data-with-policy.toml"))
        #expect(document.measurement(on: .snp)?.value == Array(document.digest[..<32]))
        #expect(document.measurement(on: .tdx)?.value == document.digest)
        #expect(short.measurement(on: .tdx)?.value == short.digest + [UInt8](repeating: 0, count: 16))
        #expect(document.measurement(on: .cca)?.value.count == 64)
        #expect(document.measurement(on: .se)?.value == document.digest + [UInt8](repeating: 0, count: 208))
        #expect(document.measurement(on: .tpm) == nil && document.measurement(on: .azSNPvTPM) == nil)
        #expect(document.measurement(on: .sgx) == nil && document.measurement(on: .csv) == nil)
        let register = try #require(short.measurement(on: .azTDXvTPM)).value
        #expect(
            HashAlgorithm.sha256.digest(of: [UInt8](repeating: 0, count: 32) + short.digest) == register)
        let report = InitDataDigestCommand.report(short)
        #expect(report["measured"]?.arrayValue?.count == 9)
        #expect(report["digest"] == .string(Hex.encode(short.digest)))
    }

    @Test("verify takes a digest or what hardware shows, and nothing else")
    func verify() throws {
        let path = try Self.path("init-data-with-policy.toml")
        let document = try InitDataDocument.read(path)
        let digest = Hex.encode(document.digest)
        #expect(try !fails("verify", path, "--against", digest))
        #expect(try !fails("verify", path, "--against", digest.uppercased()))
        #expect(try !fails("verify", path, "--against", digest, "--tee", "snp"))
        #expect(try fails("verify", path, "--against", digest, "--tee", "tdx"))
        #expect(try !fails("verify", path, "--against", digest + String(repeating: "0", count: 32), "--tee", "tdx"))
        for wrong in [
            String(digest.dropLast(2)), "", String(digest.reversed()), digest + "00", String(repeating: "0", count: 64),
        ] {
            #expect(try fails("verify", path, "--against", wrong), "\(wrong)")
        }
        #expect(try fails("verify", path, "--against", digest, "--tee", "sgx"))
        #expect(try fails("verify", path))
        #expect(
            try fails(
                "verify", Self.path("peerpods-provision-test.toml"), "--annotation",
                Self.path("peerpods-doc-1.annotation.b64")))
    }

    @Test("documents that kata refuses are told from those it accepts")
    func objections() throws {
        func objections(_ text: String) throws -> Int { try InitData(toml: text).objectionsOfKata.count }
        #expect(try objections("version = '0.1.0'\nalgorithm = 'sha512'\n[data]\n") == 0)
        #expect(try objections("version = '0.2.0'\nalgorithm = 'SHA512'\n[data]\n") == 2)
        #expect(try objections("version = '0.1.0'\nalgorithm = 'sm3'\n[data]\n") == 1)
    }
}
