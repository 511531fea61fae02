import Encodings
import Foundation
import TestInput
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("Signed manifests of reference values")
struct SignedManifestTests {
    private let key: TestKey
    private let stranger: TestKey

    init() throws {
        key = try TestKey.generate(.ec(.p256))
        stranger = try TestKey.generate(.ec(.p256))
    }

    private var signer: ManifestSigner { .keys([key.publicKey]) }

    // MARK: - In-toto

    @Test("a signed statement gives its values, with who built them, who signed them and how long they count")
    func declared() throws {
        let bytes = try ManifestVectors.envelope(
            ManifestVectors.statement(ManifestVectors.predicate), [stranger, key])
        let manifest = try SignedManifest(parsing: bytes, format: .inToto, signer: signer, at: ManifestVectors.now)
        #expect(manifest.id == "payments-guest" && manifest.version == 3)
        #expect(manifest.values.map(\.name) == ["snp_launch_measurement", "svn"])
        #expect(manifest.values[0].value == [.string(ManifestVectors.measurement)] && manifest.values[1].value == 4)
        #expect(manifest.builtBy == "ci-42" && manifest.subject?.hasPrefix("payments-guest abab") == true)
        #expect(manifest.signedAt?.formatted(.iso8601) == "2027-01-01T00:00:00Z")
        #expect(manifest.validUntil?.formatted(.iso8601) == "2028-01-01T00:00:00Z")
        #expect(manifest.signedBy.hasPrefix("sha256:"))
    }

    @Test(
        "SLSA provenance gives the digests of its subjects, and the end of the build is its version", arguments: [1, 0])
    func provenance(version: Int) throws {
        let times: JSONValue =
            version == 1
            ? [
                "runDetails": [
                    "builder": ["id": "https://ci.example/builder"],
                    "metadata": ["finishedOn": "2026-12-01T10:00:00.25Z"],
                ]
            ]
            : [
                "builder": ["id": "https://ci.example/builder"],
                "metadata": ["buildFinishedOn": "2026-12-01T10:00:00.25Z"],
            ]
        let statement = ManifestVectors.statement(
            times, type: "https://slsa.dev/provenance/v\(version == 1 ? "1" : "0.2")")
        let bytes = try ManifestVectors.envelope(statement, [key])
        let manifest = try SignedManifest(parsing: bytes, format: .inToto, signer: signer, at: ManifestVectors.now)
        #expect(manifest.id == "https://ci.example/builder payments-guest")
        #expect(manifest.version == 1_796_119_200)
        #expect(manifest.builtBy == "https://ci.example/builder")
        #expect(manifest.values.map(\.name) == ["payments-guest"])
        #expect(manifest.values[0].value == [.string(String(repeating: "ab", count: 48))])
    }

    @Test("A60: an absent, wrong or foreign signature on a statement is refused")
    func signatures() throws {
        let statement = ManifestVectors.statement(ManifestVectors.predicate)
        let bytes = try ManifestVectors.envelope(statement, [key])
        #expect(ManifestVectors.refusal(bytes, .inToto, signer) == nil)
        #expect(ManifestVectors.refusal(bytes, .inToto, .keys([stranger.publicKey])) == "untrusted_signer")
        #expect(ManifestVectors.refusal(bytes, .inToto, .keys([])) == "untrusted_signer")
        let unsigned = try ManifestVectors.envelope(statement, [])
        #expect(ManifestVectors.refusal(unsigned, .inToto, signer) == "unsigned_manifest")
        #expect(ManifestVectors.refusal(statement.serialized(), .inToto, signer) == "malformed_manifest")
        // The signature of another statement, and of the payload without its type.
        var object = try JSONObject(parsing: bytes)
        object["payload"] = .string(Base64.encode(ManifestVectors.statement(["name": "x"]).serialized()))
        #expect(ManifestVectors.refusal(JSONValue.object(object).serialized(), .inToto, signer) == "untrusted_signer")
        let bare = try key.sign(statement.serialized(), .ecdsa(.sha256))
        object = try JSONObject(parsing: bytes)
        object["signatures"] = [["sig": .string(Base64.encode(bare))]]
        #expect(ManifestVectors.refusal(JSONValue.object(object).serialized(), .inToto, signer) == "untrusted_signer")
        let foreign = try ManifestVectors.envelope(statement, [key], type: "application/json")
        #expect(ManifestVectors.refusal(foreign, .inToto, signer) == "malformed_manifest")
    }

    @Test("statements that say too little, or of which it is not known how they are meant, are refused")
    func statements() throws {
        func refusal(_ statement: JSONValue) throws -> String? {
            ManifestVectors.refusal(try ManifestVectors.envelope(statement, [key]), .inToto, signer)
        }
        func changed(_ member: String, _ value: JSONValue?) throws -> JSONValue {
            var predicate = try #require(ManifestVectors.predicate.objectValue)
            predicate[member] = value
            return ManifestVectors.statement(.object(predicate))
        }
        for member in ["name", "version", "values"] {
            #expect(try refusal(changed(member, nil)) == "malformed_manifest", "\(member)")
        }
        for value: JSONValue in [
            [], [["name": "a"]], [["value": 1]], [["name": "a", "values": []]], [["name": "a", "value": .null]],
            [["name": "a", "value": 1, "values": [1]]], [["name": "", "value": 1]],
            [["name": "a", "value": 1], ["name": "a", "value": 2]],
            [["name": .string(String(repeating: "a", count: 254)), "value": 1]],
        ] {
            #expect(try refusal(changed("values", value)) == "malformed_manifest", "\(value)")
        }
        #expect(try refusal(changed("validUntil", "2027-01-01T00:00:00Z")) == "manifest_expired")
        #expect(try refusal(changed("validUntil", "soon")) == "malformed_manifest")
        #expect(try refusal(changed("issuedAt", "2027-06-01T00:00:00Z")) == "manifest_not_yet_valid")
        #expect(try refusal(changed("version", -1)) == "malformed_manifest")
        #expect(
            try refusal(ManifestVectors.statement(ManifestVectors.predicate, type: "https://spdx.dev/Document"))
                == "malformed_manifest")
        let short: JSONValue = ["name": "a", "digest": ["sha384": "abab"]]
        let weak: JSONValue = ["name": "a", "digest": ["sha1": .string(String(repeating: "a", count: 40))]]
        for subject in [short, weak] {
            #expect(
                try refusal(ManifestVectors.statement(ManifestVectors.predicate, subjects: [subject]))
                    == "malformed_manifest")
        }
    }

    // MARK: - CoRIM

    @Test("a signed CoRIM gives its references under the path of what they are of")
    func corim() throws {
        let payload = ManifestVectors.corim(version: 7, until: 1_900_000_000)
        let bytes = try ManifestVectors.signed(payload, key)
        for wrapped in [bytes, [0xd9, 0x01, 0xf6] + bytes, [0xd9, 0x01, 0xf4, 0xd9, 0x01, 0xf6] + bytes] {
            let manifest = try SignedManifest(
                parsing: wrapped, format: .corim, signer: .keys([stranger.publicKey, key.publicKey]),
                at: ManifestVectors.now)
            #expect(manifest.id == "maker" && manifest.version == 7)
            #expect(manifest.values.map(\.name) == ["ACME/RoadRunner/firmware/digests"])
            #expect(manifest.values[0].value == [.string(String(repeating: "ab", count: 32))])
            #expect(manifest.validUntil == Date(timeIntervalSince1970: 1_900_000_000) && manifest.validFrom == nil)
        }
    }

    @Test("A60: a CoRIM that is unsigned, signed by somebody else, or over is refused")
    func corimSignatures() throws {
        let payload = ManifestVectors.corim()
        #expect(ManifestVectors.refusal(payload, .corim, signer) == "unsigned_manifest")
        #expect(
            ManifestVectors.refusal(try ManifestVectors.signed(payload, stranger), .corim, signer) == "untrusted_signer"
        )
        #expect(
            ManifestVectors.refusal(
                try ManifestVectors.signed(payload, key, type: "application/json"), .corim, signer)
                == "malformed_manifest")
        let over = try ManifestVectors.signed(ManifestVectors.corim(until: 1_700_000_000), key)
        #expect(ManifestVectors.refusal(over, .corim, signer) == "manifest_expired")
        let nameless = try ManifestVectors.signed(ManifestVectors.corim(id: ""), key)
        #expect(ManifestVectors.refusal(nameless, .corim, signer) == "malformed_manifest")
    }

    @Test("KBS 12.8.51: the CoRIM fixture has the values of section 6.1")
    func fixture() throws {
        let values = try CoRIMValues.unsigned(Vectors.bytes("manifests/unsigned-example-corim.cbor"))
        #expect(values.count == 3)
        let name = "ACME/RoadRunner/31fb5abf-023e-4992-aa4e-95f9c1503bfa/digests"
        #expect(values.allSatisfy { $0.name == name })
        #expect(values[2].value == ["a3a5e715f0cc574a73c3f9bebb6bc24f32ffd5b67b387244c2c909da779a1478"])
    }

    @Test(
        "a manifest about CCA realms gives their registers and personalisation; one with keys that are not known none")
    func realms() throws {
        let values = try CoRIMValues.unsigned(Vectors.bytes("cca/corim/cca-realm-endorsements.cbor"))
        #expect(values.map(\.name) == ["raw_bytes", "rim", "rem0", "rem1", "rem2", "rem3"])
        #expect(values[1].value == [.string(String(repeating: "43", count: 64))])
        #expect(throws: ManifestError.self) {
            _ = try CoRIMValues.unsigned(Vectors.bytes("cca/corim/cca-endorsements.cbor"))
        }
    }

    // MARK: - Damage

    @Test("no statement, CoRIM or endorsement with a changed byte is believed: some of them")
    func damage() throws {
        let statement = try ManifestVectors.envelope(ManifestVectors.statement(ManifestVectors.predicate), [key])
        let corim = try ManifestVectors.signed(ManifestVectors.corim(), key)
        var random = SeededGenerator(seed: 0x60)
        for (bytes, format) in [(statement, ManifestFormat.inToto), (corim, .corim)] {
            for _ in 0..<60 {
                var damaged = bytes
                let place = Int.random(in: 0..<bytes.count, using: &random)
                damaged[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
                guard
                    let manifest = try? SignedManifest(
                        parsing: damaged, format: format, signer: signer, at: ManifestVectors.now)
                else { continue }
                // What is not signed, such as the name of a key, may change; what is said may not.
                let whole = try SignedManifest(parsing: bytes, format: format, signer: signer, at: ManifestVectors.now)
                #expect(manifest.values == whole.values && manifest.version == whole.version, "byte \(place)")
            }
            for length in stride(from: 0, to: bytes.count, by: 7) {
                #expect(ManifestVectors.refusal(Array(bytes.prefix(length)), format, signer) != nil)
            }
        }
    }
}
