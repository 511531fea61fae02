import Encodings
import Foundation
import RATS
import Testing

@testable import RecordedEvidence

/// The recorded evidence of the verifiers' own tests, which comes in the form of manifests.
enum Recorded {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("VerificationTests/Vectors").path

    /// A manifest, the folder that its files are relative to, and how many facts it states at least.
    static let manifests = [
        ("snp/manifest.json", "", 100), ("dcap/manifest.json", "dcap", 100), ("cca/manifest.json", "", 70),
        ("nitro/manifest.json", "", 10), ("se/manifest.json", "", 28), ("csv/manifest.json", "", 4),
        ("sev/manifest.json", "", 18), ("nvidia/manifest.json", "", 60),
    ]

    static func entries(_ manifest: String) throws -> [EvidenceManifest.Entry] {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(root)/\(manifest)")))
        return try EvidenceManifest(parsing: bytes).entries
    }

    /// One entry with some of its members replaced.
    static func entry(
        _ manifest: String, _ id: String, replacing members: JSONObject
    ) throws -> EvidenceManifest.Entry {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(root)/\(manifest)")))
        let items = try #require(JSONValue(parsing: bytes).arrayValue)
        var item = try #require(items.first { $0["id"]?.stringValue == id }?.objectValue)
        for (name, value) in members { item[name] = value }
        let changed = try EvidenceManifest(parsing: JSONValue.array([.object(item)]).serialized())
        return try #require(changed.entries.first)
    }
}

@Suite("Review of recorded evidence")
struct ManifestReviewTests {
    private func review(_ folder: String) throws -> ManifestReview {
        try ManifestReview(folder: EvidenceFolder(path: "\(Recorded.root)/\(folder)"))
    }

    @Test("a link in the folder of a manifest leads nowhere, and what is no regular file is not read")
    func links() throws {
        let path = NSTemporaryDirectory() + "claviger-evidence-\(UUID().uuidString)"
        let manager = FileManager.default
        try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
        try manager.createSymbolicLink(atPath: path + "/hosts", withDestinationPath: "/etc/hosts")
        try manager.createSymbolicLink(atPath: path + "/etc", withDestinationPath: "/etc")
        #expect(mkfifo(path + "/pipe", 0o600) == 0)
        let folder = EvidenceFolder(path: path)
        for name in ["hosts", "etc/hosts", "pipe"] {
            #expect(throws: RecordedEvidenceError.self) { try folder.bytes(name) }
        }
        try Data([1, 2]).write(to: URL(filePath: path + "/file"))
        #expect(try folder.bytes("file") == [1, 2])
    }

    @Test("every entry of a manifest comes out as it says", arguments: Recorded.manifests)
    func everything(manifest: String, folder: String, leastFacts: Int) async throws {
        let review = try review(folder)
        var facts = 0
        // Roots are pinned in the program; their files are not kept a second time.
        for entry in try Recorded.entries(manifest) where entry.expectation != .trustAnchor {
            let result = await review.result(for: entry)
            #expect(result.outcome != .differs, "\(entry.name): \(result.differences)")
            facts += result.comparedFacts
        }
        #expect(facts >= leastFacts)
    }

    private static let falsified: [(id: String, members: JSONObject, mention: String)] = [
        ("genoa-v3-trustee-e2e", ["expect": "reject"], "accepted"),
        ("milan-v2-debug-go-sev-guest", ["expect": "accept"], "refused"),
        ("genoa-v3-trustee-e2e", ["claims": ["vmpl": 2]], "vmpl is 0, not 2"),
        ("genoa-v3-trustee-e2e", ["claims": ["report_data": "00"]], "refused"),
        ("genoa-v3-trustee-e2e", ["verify_at": "1999-01-01T00:00:00Z"], "refused"),
        ("genoa-v3-trustee-e2e", ["files": ["snp/nothing/evidence.json"]], "cannot be read"),
        ("genoa-v3-trustee-e2e", ["files": ["../../secret/evidence.json"]], "outside"),
    ]

    @Test("what comes out otherwise is said", arguments: falsified)
    func differences(id: String, members: JSONObject, mention: String) async throws {
        let entry = try Recorded.entry("snp/manifest.json", id, replacing: members)
        let result = try await review("").result(for: entry)
        #expect(result.outcome == .differs)
        #expect(result.differences.contains { $0.contains(mention) }, "\(result.differences)")
    }

    @Test("input without a verdict is not counted as agreeing")
    func notCovered() async throws {
        let entry = try Recorded.entry("snp/manifest.json", "genoa-v3-trustee-e2e", replacing: ["expect": "data"])
        #expect(try await review("").result(for: entry).outcome == .notCovered)
        let other = try Recorded.entry("snp/manifest.json", "genoa-v3-trustee-e2e", replacing: ["tee": "nothing"])
        #expect(try await review("").result(for: other).outcome == .notCovered)
    }

    @Test("manifests that are none are refused", arguments: ["", "{}", "[1]", #"[{"tee":"snp","id":"a","files":[]}]"#])
    func malformed(_ text: String) {
        #expect(throws: RecordedEvidenceError.self) { try EvidenceManifest(parsing: Array(text.utf8)) }
    }
}
