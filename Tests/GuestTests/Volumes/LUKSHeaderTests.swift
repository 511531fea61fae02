import Encodings
import Foundation
import TestInput
import Testing

@testable import Guest

@Suite("LUKS2 headers", .timeLimit(.minutes(5)))
struct LUKSHeaderTests {
    /// A change of a good header's metadata, and where the refusal says that it is.
    struct Change: CustomTestStringConvertible, Sendable {
        let name: String
        let place: String
        var integrity = false
        let apply: @Sendable (inout ForgedHeader) -> Void
        var testDescription: String { name }

        init(
            _ name: String, _ place: String, integrity: Bool = false,
            _ apply: @escaping @Sendable (inout ForgedHeader) -> Void
        ) {
            (self.name, self.place, self.integrity, self.apply) = (name, place, integrity, apply)
        }
    }

    private static func refusal(_ body: () throws -> Void) -> GuestError? {
        do {
            try body()
            return nil
        } catch {
            return error as? GuestError
        }
    }

    @Test("A59: what cryptsetup writes for the reference's command line is accepted, with and without integrity")
    func recorded() throws {
        for hasIntegrity in [false, true] {
            let bytes = try ForgedHeader.recorded(integrity: hasIntegrity).area()
            let header = try VolumeHeader(bytes)
            #expect(header.metadata.hasIntegrity == hasIntegrity)
            #expect(header.metadata.areaSize == 16 << 20)
            #expect(header.metadata.dataOffset == 16 << 20)
            #expect(header.metadata.seal == nil)
        }
        let device = try Vectors.bytes("luks/device-head.bin")
        let header = try LUKSHeader(parsing: device)
        #expect(header.size == 16384 && header.uuid.utf8.count == 36)
        #expect(try LUKSMetadata(header).keyslot.lowerBound == 32768)
    }

    static let changes: [Change] = [
        Change("a null cipher for the key slot, which puts the volume key on the disk", "keyslots.0.area") {
            $0.set("/keyslots/0/area/encryption", "cipher_null-ecb")
        },
        Change("a null cipher for the data", "segments.0") { $0.set("/segments/0/encryption", "cipher_null-ecb") },
        Change("another cipher for the data", "segments.0") { $0.set("/segments/0/encryption", "aes-ecb") },
        Change("a linear segment", "segments.0") { $0.set("/segments/0/type", "linear") },
        Change("a second key slot", "keyslots") { $0.set("/keyslots/1", $0.metadata["keyslots"]?["0"]) },
        Change("no key slot", "keyslots") { $0.set("/keyslots", .object([:])) },
        Change("a second segment", "segments") { $0.set("/segments/1", $0.metadata["segments"]?["0"]) },
        Change("a second digest", "digests") { $0.set("/digests/1", $0.metadata["digests"]?["0"]) },
        Change("a digest that binds another slot", "digests.0") { $0.set("/digests/0/keyslots", ["1"]) },
        Change("a digest that binds no segment", "digests.0") { $0.set("/digests/0/segments", []) },
        Change("requirements", "config") { $0.set("/config/requirements", ["mandatory": ["online-reencrypt"]]) },
        Change("flags", "config") { $0.set("/config/flags", ["allow-discards"]) },
        Change("flags of the segment", "segments.0") { $0.set("/segments/0/flags", ["backup-final"]) },
        Change("a foreign token", "tokens.0") { $0.set("/tokens/0", ["type": "luks2-keyring", "keyslots": ["0"]]) },
        Change("a member that is not known", "the metadata") { $0.set("/extra", 1) },
        Change("argon2 with little memory", "keyslots.0.kdf") { $0.set("/keyslots/0/kdf/memory", 64) },
        Change("argon2 with one pass", "keyslots.0.kdf") { $0.set("/keyslots/0/kdf/time", 1) },
        Change("argon2 with all memory of the guest", "keyslots.0.kdf") { $0.set("/keyslots/0/kdf/memory", 4_000_000) },
        Change("argon2 for ever", "keyslots.0.kdf") { $0.set("/keyslots/0/kdf/time", 4_000_000_000) },
        Change("pbkdf2 with few iterations", "keyslots.0.kdf") {
            $0.set(
                "/keyslots/0/kdf",
                ["type": "pbkdf2", "hash": "sha256", "iterations": 1000, "salt": .string(Base64.encode(Array(0..<32)))])
        },
        Change("a key derivation that is not known", "keyslots.0.kdf") { $0.set("/keyslots/0/kdf/type", "none") },
        Change("a key slot in the header's own place", "keyslots.0.area") { $0.set("/keyslots/0/area/offset", "4096") },
        Change("a key slot behind the key slots", "keyslots.0.area") {
            $0.set("/keyslots/0/area/offset", "16777216")
        },
        Change("a key slot without end", "keyslots.0.area") { $0.set("/keyslots/0/area/size", "999999999999999") },
        Change("a size that is no number", "keyslots.0.area") { $0.set("/keyslots/0/area/size", "1e9") },
        Change("a short key", "keyslots.0") { $0.set("/keyslots/0/key_size", 32) },
        Change("a short key for the slot", "keyslots.0.area") { $0.set("/keyslots/0/area/key_size", 16) },
        Change("no splitting", "keyslots.0.af") { $0.set("/keyslots/0/af/stripes", 1) },
        Change("a segment that ends early", "segments.0") { $0.set("/segments/0/size", "4096") },
        Change("shifted sectors", "segments.0") { $0.set("/segments/0/iv_tweak", "8") },
        Change("data that begin far behind", "segments.0") { $0.set("/segments/0/offset", "99999997952") },
        Change("key slots of 4 GiB", "config") { $0.set("/config/keyslots_size", "4294967296") },
        Change("metadata of another size", "config") { $0.set("/config/json_size", "16384") },
        Change("integrity without a key", "segments.0.integrity", integrity: true) {
            $0.set("/segments/0/integrity/type", "crc32c")
        },
        Change("integrity taken out", "keyslots.0", integrity: true) { $0.set("/segments/0/integrity", nil) },
    ]

    @Test("A59: metadata that no volume of ours has is refused, and the place is named", arguments: changes)
    func refused(change: Change) throws {
        var header = try ForgedHeader.recorded(integrity: change.integrity)
        change.apply(&header)
        let error = try #require(Self.refusal { _ = try LUKSMetadata(LUKSHeader(parsing: header.bytes)) })
        #expect(error.code == .volumeRefused)
        #expect(error.message.contains("in \(change.place),"), "\(error)")
    }

    @Test("A59: a volume without integrity is refused where integrity is demanded")
    func demandedIntegrity() throws {
        let header = try VolumeHeader(ForgedHeader.recorded().area())
        try header.require(integrity: false)
        let error = try #require(Self.refusal { try header.require(integrity: true) })
        #expect(error.code == .volumeRefused && error.message.contains("dataIntegrity"))
        try VolumeHeader(ForgedHeader.recorded(integrity: true).area()).require(integrity: true)
    }

    @Test("A59: copies that differ, wrong checksums, and text behind the end of the metadata are refused")
    func copies() throws {
        let good = try ForgedHeader.recorded()
        var other = good
        other.sequence += 1
        var hidden = good
        hidden.hidden = Array("{}".utf8)
        var doubled = good
        let text = good.metadata.serializedString()
        doubled.text = Array((#"{"tokens":{},"# + text.dropFirst()).utf8)
        var large = good
        large.size = 32768
        for bytes in [
            good.copy(primary: true) + other.copy(primary: false), hidden.bytes, doubled.bytes, large.bytes,
            good.copy(primary: false) + good.copy(primary: true), good.copy(primary: true) + good.copy(primary: true),
            Array(good.bytes.dropLast()), Array(good.bytes.prefix(4096)), [], Array("LUKS".utf8),
        ] {
            #expect(Self.refusal { _ = try LUKSMetadata(LUKSHeader(parsing: bytes)) }?.code == .volumeRefused)
        }
    }

    @Test("A59: no bit of either copy can be changed")
    func everyBit() throws {
        let good = try ForgedHeader.recorded().bytes
        var generator = SeededGenerator(seed: 59)
        let places = Array(0..<512) + (0..<200).map { _ in Int.random(in: 0..<good.count, using: &generator) }
        for place in places {
            var bytes = good
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            #expect(Self.refusal { _ = try LUKSHeader(parsing: bytes) }?.code == .volumeRefused, "byte \(place)")
        }
    }

    @Test("A59: random metadata never crash the reader, and are never accepted by chance")
    func random() throws {
        let good = try ForgedHeader.recorded()
        let text = good.metadata.serialized()
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            var forged = good
            var mutated = text
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<mutated.count, using: &generator)
                switch UInt8.random(in: 0..<3, using: &generator) {
                case 0: mutated[place] = UInt8.random(in: 1...255, using: &generator)
                case 1: mutated.remove(at: place)
                default: mutated.insert(text[Int.random(in: 0..<text.count, using: &generator)], at: place)
                }
            }
            forged.text = mutated
            if let error = Self.refusal({ _ = try LUKSMetadata(LUKSHeader(parsing: forged.bytes)) }) {
                #expect(error.code == .volumeRefused)
            }
        }
    }
}
