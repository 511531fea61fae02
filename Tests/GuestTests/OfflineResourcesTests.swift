import Encodings
import Foundation
import KBSProtocol
import OCIEncryption
import Testing

@testable import Guest

@Suite("Resources from files, and image settings", .timeLimit(.minutes(5)))
struct OfflineResourcesTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "offline-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func file(_ name: String, _ text: String) throws -> String {
        let url = folder.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    @Test("GC 9.C.46: the reference's files give their keys and resources by path")
    func recorded() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try ["keys", "resources"].map {
            try Vectors.url("offline-fs-kbc/aa-offline_fs_kbc-\($0).json").path
        }
        let resources = try OfflineResources(files: files)
        #expect(try await resources.resource(ResourceURI("kbs:///default/key/key_id1")).count == 32)
        let policy = try await resources.resource(ResourceURI("kbs:///default/security-policy/test"))
        #expect(try JSONObject(parsing: policy.copyBytes())["default"] != nil)
        for missing in ["kbs:///default/key/none", "kbs+pkcs11:///default/key/key_id1", "kbs:///default/key/key_id1?x"]
        {
            await #expect { try await resources.resource(ResourceURI(missing)) } throws: {
                ($0 as? GuestError)?.code == .notFound
            }
        }
    }

    @Test("GC 9.C.46: a missing file is empty, a malformed one an error, and of duplicates the later counts")
    func rules() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let first = try file("1.json", #"{"a/b/c":"AQ==","a/b/d":"Ag=="}"#)
        let second = try file("2.json", #"{"a/b/c":"Aw=="}"#)
        let both = try OfflineResources(files: [folder.path + "/none.json", first, second])
        #expect(try await both.resource(ResourceURI("kbs:///a/b/c")).copyBytes() == [3])
        #expect(try await both.resource(ResourceURI("kbs:///a/b/d")).copyBytes() == [2])
        for text in ["", "[]", #"{"a/b/c":1}"#, #"{"a/b/c":"%"}"#, #"{"a/b/c":"AQ==""#] {
            let path = try file("bad.json", text)
            #expect(throws: GuestError.self, "\(text)") { try OfflineResources(files: [path]) }
        }
    }

    @Test("image settings of a cdh.toml are listed, since nobody here heeds them")
    func imageSettings() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let document = try ConfigurationDocument(
            """
            [kbc]
            name = "cc_kbc"
            url = "https://broker:8080"
            [image]
            image_security_policy_uri = "kbs:///default/security-policy/test"
            work_dir = "/run/kata-containers/image/"
            """, name: "cdh.toml")
        let file = try ComponentFile.confidentialDataHub(document)
        #expect(file.unusedImageSettings == ["image.image_security_policy_uri", "image.work_dir"])
        #expect(
            try ComponentFile.confidentialDataHub(ConfigurationDocument("", name: "cdh.toml")).unusedImageSettings
                .isEmpty)
    }

    @Test("GC 9.C.51: an annotation packet of the first generation reads as one of the second")
    func packets() throws {
        let first = try AnnotationPacket(parsing: Vectors.bytes("annotation-v1.json"))
        #expect(first.provider == "kbs" && first.wrapType == "A256GCM" && first.version == nil)
        #expect(first.iv.count == 12)
        // The fixture's key id has the scheme twice; it is kept as it stands.
        #expect(first.keyID == "kbs:///kbs:///default/key/1")
    }

    @Test("GC 9.F.69: key ids are read with and without scheme, host and leading slash")
    func keyIDs() throws {
        let forms = [
            ("kbs:///b/c/d", "b/c/d"), ("kbs://a/b/c/d", "b/c/d"), ("/b/c/d", "b/c/d"), ("b/c/d", "b/c/d"),
            ("kbs+resource:///b/c/d", "b/c/d"), ("kbs://a:8080/b/c/d", "b/c/d"),
        ]
        for (text, path) in forms {
            #expect(try WrapParameters.keyID(text).resourcePath().description == path, "\(text)")
        }
        let other = try WrapParameters.keyID("kbs+pkcs11:///b/c/d")
        #expect(other.plugin == "pkcs11" && other.path == "b/c/d")
        // Other plugins hold no keys that can be stored.
        #expect(throws: KBSProtocolError.self) { try other.resourcePath() }
    }
}
