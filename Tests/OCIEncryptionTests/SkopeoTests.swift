import Encodings
import Foundation
import OCIEncryption
import TestPrograms
import Testing

@Suite("skopeo reads what we write and writes what we read")
struct SkopeoTests {
    /// Runs `skopeo copy` with a key provider that is a shell script reading the request from standard input.
    private static func copy(
        _ options: [String], _ source: ImageReference, _ target: ImageReference, in folder: TemporaryFolder,
        provider: String
    ) async throws {
        let script = folder.path + "/provider.sh"
        try Data("#!/bin/sh\n\(provider)\n".utf8).write(to: URL(filePath: script))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        let result = try await Skopeo.copy(
            options + [source.description, target.description], provider: #"{"cmd":{"path":"\#(script)"}}"#,
            in: URL(filePath: folder.path))
        #expect(result.status == 0, "\(result.output)")
    }

    @Test(
        "GC 68: an image encrypted by us decrypts with skopeo",
        .enabled(if: Skopeo.path != nil, "scripts/skopeo.sh could not get a skopeo on this machine"))
    func skopeoDecrypts() async throws {
        let folder = try TemporaryFolder()
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
        try await Self.copy(
            ["--decryption-key", "provider:attestation-agent:x"], folder.image("encrypted"), folder.image("decrypted"),
            in: folder,
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
        let folder = try TemporaryFolder()
        let source = try Fixtures.image("plain-oci-layout")
        // This provider seals nothing: the packet carries the options in the open.
        try await Self.copy(
            ["--encryption-key", "provider:attestation-agent:keyid=kbs:///a/b/c"], source, folder.image("encrypted"),
            in: folder,
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
