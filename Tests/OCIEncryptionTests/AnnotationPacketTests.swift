import Encodings
import Foundation
import OCIEncryption
import Testing

@Suite("annotation packets")
struct AnnotationPacketTests {
    @Test("GC 51: a first-generation packet is read like a second-generation one")
    func firstGeneration() throws {
        let packet = try AnnotationPacket(parsing: Fixtures.bytes("v1.json"))
        #expect(packet.keyID == "kbs:///kbs:///default/key/1")
        #expect(packet.iv.count == 12)
        #expect(packet.wrapType == "A256GCM")
        #expect(packet.provider == "kbs")
        #expect(packet.version == nil)

        let wrapped = Base64.encode(packet.wrappedData)
        let second = try AnnotationPacket(
            parsing: Array(
                """
                {"version":"0.1.0","kid":"\(packet.keyID)","wrapped_data":"\(wrapped)","iv":"\(Base64.encode(packet.iv))",\
                "wrap_type":"A256GCM","provider":"kbs","provider_settings":{},"annotations":{}}
                """.utf8))
        #expect(second.keyID == packet.keyID)
        #expect(second.wrappedData == packet.wrappedData)
        #expect(second.iv == packet.iv)
        #expect(second.version == "0.1.0")
    }

    @Test("GC 51: a packet of either generation survives being written and read again")
    func roundTrip() throws {
        for text in [
            #"{"kid":"kbs:///a/b/c","wrapped_data":"AAECAwQFBgcICQoLDA0ODw==","iv":"AAECAwQFBgcICQoL","wrap_type":"A256GCM"}"#,
            #"{"version":"0.1.0","kid":"kbs:///a/b/c","wrapped_data":"AAECAwQFBgcICQoLDA0ODw==","iv":"AAECAwQFBgcICQoL","#
                + #""wrap_type":"A256GCM","provider":"kbs","provider_settings":{},"annotations":{}}"#,
        ] {
            let packet = try AnnotationPacket(parsing: Array(text.utf8))
            #expect(String(decoding: packet.serialized(), as: UTF8.self) == text)
        }
    }

    @Test("the packet of the Rust ocicrypt opens with its key")
    func rustVector() throws {
        let packet = try AnnotationPacket(parsing: Fixtures.bytes("sample_kbc_annotation.json"))
        let key = SecretBytes(try Hex.decode("d99b7705b0ba7a168295b3a3367270b0dd9b371bf514ca8b9ba7f0a33711daea"))
        let options = try PrivateLayerOptions(parsing: packet.unwrap(key: key))
        #expect(options.key.count == 32)
        #expect(options.nonce?.count == 16)
    }

    @Test("the packets that a key provider made for skopeo open to the recorded options")
    func skopeoVectors() throws {
        let vectors = try JSONValue(parsing: Fixtures.bytes("unwrap-vectors.json"))
        let layers = try #require(vectors["layers"]?.arrayValue)
        #expect(layers.count == 2)
        for layer in layers {
            let packet = try AnnotationPacket(parsing: #require(layer["annotation_packet"]).serialized())
            let options = try PrivateLayerOptions(parsing: packet.unwrap(key: Fixtures.keyEncryptionKey()))
            #expect(options.plaintextDigest.description == layer["optsdata"]?["digest"]?.stringValue)
            #expect(options.serialized().copyBytes() == layer["optsdata"]?.serialized())
        }
    }

    @Test("what is wrapped is unwrapped with the same key and no other")
    func wrapUnwrap() throws {
        let key = SecretBytes.random(count: 32)
        let secret = SecretBytes(Array("private options".utf8))
        let packet = try AnnotationPacket.wrap(optsData: secret, keyID: Fixtures.keyID, key: key)
        let again = try AnnotationPacket(parsing: packet.serialized())
        #expect(try again.unwrap(key: key) == secret)
        #expect(throws: ImageEncryptionError.self) { try again.unwrap(key: .random(count: 32)) }
        #expect(throws: ImageEncryptionError.self) { try again.unwrap(key: .random(count: 16)) }
        var changed = again.wrappedData
        changed[0] ^= 1
        let tampered = AnnotationPacket(keyID: again.keyID, wrappedData: changed, iv: again.iv)
        #expect(throws: ImageEncryptionError.self) { try tampered.unwrap(key: key) }
    }

    @Test("two wrappings of the same options share neither nonce nor ciphertext")
    func freshNonces() throws {
        let key = SecretBytes.random(count: 32)
        let secret = SecretBytes.random(count: 100)
        let first = try AnnotationPacket.wrap(optsData: secret, keyID: Fixtures.keyID, key: key)
        let second = try AnnotationPacket.wrap(optsData: secret, keyID: Fixtures.keyID, key: key)
        #expect(first.iv != second.iv)
        #expect(first.wrappedData != second.wrappedData)
    }

    @Test(
        "a malformed packet is refused",
        arguments: [
            "", "[]", "null", "{}", #"{"kid":1,"wrapped_data":"","iv":"","wrap_type":"A256GCM"}"#,
            #"{"kid":"","wrapped_data":"AAAA","iv":"AAAA","wrap_type":"A256GCM"}"#,
            #"{"kid":"kbs:///a/b/c","wrapped_data":"%%","iv":"AAAA","wrap_type":"A256GCM"}"#,
            #"{"kid":"kbs:///a/b/c","kid":"kbs:///a/b/d","wrapped_data":"AAAA","iv":"AAAA","wrap_type":"A256GCM"}"#,
        ])
    func malformed(text: String) throws {
        #expect(throws: ImageEncryptionError.self) { try AnnotationPacket(parsing: Array(text.utf8)) }
    }

    @Test("another wrapping, another provider and a missing nonce are refused with their own words")
    func unsupported() async throws {
        func code(_ text: String) async throws -> ImageEncryptionError.Code? {
            try await imageError {
                _ = try AnnotationPacket(parsing: Array(text.utf8)).unwrap(key: .random(count: 32))
            }
        }
        let data = #""wrapped_data":"AAECAwQFBgcICQoLDA0ODw==""#
        #expect(try await code(#"{"kid":"k",\#(data),"iv":"AAECAwQFBgcICQoL","wrap_type":"A256CTR"}"#) == .unsupported)
        #expect(
            try await code(#"{"version":"0.1.0","kid":"k",\#(data),"iv":"AAECAwQFBgcICQoL","provider":"aliyun"}"#)
                == .unsupported)
        #expect(try await code(#"{"version":"0.1.0","kid":"k",\#(data)}"#) == .malformed)
    }

    @Test("no error and no description shows key bytes")
    func nothingLeaks() throws {
        let key = SecretBytes(Array("0123456789abcdef0123456789abcdef".utf8))
        let options = PrivateLayerOptions(key: key, plaintextDigest: BlobDigest(of: []), nonce: nil)
        #expect(!String(describing: options).contains("0123456789abcdef"))
        #expect(!String(reflecting: options).contains("0123456789abcdef"))
    }
}
