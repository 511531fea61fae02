import Encodings
import Foundation
import OCIEncryption
import Testing

/// The skopeo of scripts/skopeo.sh, run as a child process.
private struct Skopeo {
    /// The program's path; nil when none can be had on this machine (no network, no Debian).
    static let path: String? = {
        let checkout = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let script = checkout.appending(path: "scripts/skopeo.sh").path
        guard FileManager.default.isExecutableFile(atPath: script),
            let result = try? run(script, ["--path"], environment: [:]), result.status == 0
        else { return nil }
        // What the script says while it fetches comes before the path.
        return result.output.split(separator: "\n").last.map(String.init)
    }()

    static func run(
        _ program: String, _ arguments: [String], environment: [String: String]
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }

    let folder: TemporaryFolder

    /// Runs `skopeo copy` with a key provider that is a shell script reading the request from standard input.
    func copy(_ options: [String], _ source: ImageReference, _ target: ImageReference, provider: String) throws {
        let script = folder.path + "/provider.sh"
        try Data("#!/bin/sh\n\(provider)\n".utf8).write(to: URL(filePath: script))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        let configuration = folder.path + "/ocicrypt.json"
        try Data(#"{"key-providers":{"attestation-agent":{"cmd":{"path":"\#(script)"}}}}"#.utf8)
            .write(to: URL(filePath: configuration))
        let result = try Self.run(
            #require(Self.path), ["copy", "--insecure-policy"] + options + [source.description, target.description],
            environment: ["OCICRYPT_KEYPROVIDER_CONFIG": configuration])
        #expect(result.status == 0, "\(result.output)")
    }
}

@Suite("skopeo reads what we write and writes what we read")
struct SkopeoTests {
    @Test(
        "GC 68: an image encrypted by us decrypts with skopeo",
        .enabled(if: Skopeo.path != nil, "scripts/skopeo.sh could not get a skopeo on this machine"))
    func skopeoDecrypts() async throws {
        let skopeo = Skopeo(folder: try TemporaryFolder())
        let folder = skopeo.folder
        let answers = folder.path + "/answers"
        try FileManager.default.createDirectory(atPath: answers, withIntermediateDirectories: true)
        let source = try Fixtures.image("plain-oci-layout")
        let key = SecretBytes.random(count: 32)
        _ = try await ImageEncryption.encrypt(source, to: folder.image("encrypted")) { options in
            let packet = try AnnotationPacket.wrap(optsData: options, keyID: Fixtures.keyID, key: key)
            let opened = try packet.unwrap(key: key).copyBytes()
            let answer: JSONValue = ["keyunwrapresults": ["optsdata": .string(Base64.encode(opened))]]
            try Data(answer.serialized()).write(to: URL(filePath: "\(answers)/\(Hex.encode(packet.iv))"))
            return [packet]
        }
        // The script finds the answer by the packet's nonce.
        try skopeo.copy(
            ["--decryption-key", "provider:attestation-agent:x"], folder.image("encrypted"), folder.image("decrypted"),
            provider: #"""
                packet=$(sed -n 's/.*"annotation":"\([^"]*\)".*/\1/p' | base64 -d)
                nonce=$(printf '%s' "$packet" | sed -n 's/.*"iv":"\([^"]*\)".*/\1/p' | base64 -d | od -An -tx1 | tr -d ' \n')
                cat "\#(answers)/$nonce"
                """#)
        #expect(try Fixtures.layers(folder.image("decrypted")) == Fixtures.layers(source))
    }

    @Test(
        "GC 68: an image encrypted by skopeo decrypts with us",
        .enabled(if: Skopeo.path != nil, "scripts/skopeo.sh could not get a skopeo on this machine"))
    func skopeoEncrypts() async throws {
        let skopeo = Skopeo(folder: try TemporaryFolder())
        let folder = skopeo.folder
        let source = try Fixtures.image("plain-oci-layout")
        // This provider seals nothing: the packet carries the options in the open.
        try skopeo.copy(
            ["--encryption-key", "provider:attestation-agent:keyid=kbs:///a/b/c"], source, folder.image("encrypted"),
            provider: #"""
                options=$(sed -n 's/.*"optsdata":"\([^"]*\)".*/\1/p')
                packet='{"kid":"kbs:///a/b/c","wrapped_data":"'$options'","iv":"AAAAAAAAAAAAAAAA","wrap_type":"A256GCM"}'
                printf '{"keywrapresults":{"annotation":"%s"}}' "$(printf '%s' "$packet" | base64 -w0)"
                """#)
        let encrypted = try ImageInspection(folder.image("encrypted"))
        #expect(encrypted.images.flatMap(\.layers).allSatisfy { $0.encryption != nil })
        _ = try await ImageEncryption.decrypt(folder.image("encrypted"), to: folder.image("decrypted")) {
            SecretBytes($0.wrappedData)
        }
        #expect(try Fixtures.layers(folder.image("decrypted")) == Fixtures.layers(source))
    }
}
