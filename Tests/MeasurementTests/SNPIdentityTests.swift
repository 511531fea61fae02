import Crypto
import Encodings
import Testing

@testable import Measurement

@Suite("ID blocks of SEV-SNP")
struct SNPIdentityTests {
    private let authentication: [UInt8]
    private let idKey: P384.Signing.PrivateKey
    private let authorKey: P384.Signing.PrivateKey

    init() throws {
        authentication = try Vectors.bytes("snp-measure/idblock/test_auth_block.bin")
        idKey = try P384.Signing.PrivateKey(pemRepresentation: Vectors.text("snp-measure/idblock/test_id_key.pem"))
        authorKey = try P384.Signing.PrivateKey(
            pemRepresentation: Vectors.text("snp-measure/idblock/test_auth_key.pem"))
    }

    @Test("the digests of keys are those that reports show")
    func digests() throws {
        let read = try SNPIdentityAuthentication(parsing: authentication)
        #expect(Hex.encode(read.idKey.digest).hasPrefix("59fb2c68"))
        #expect(Hex.encode(try #require(read.authorKey).digest).hasPrefix("eed81169"))
        #expect(read.idKey.digest == SNPIdentityKey(idKey.publicKey).digest)
        #expect(read.authorKey?.digest == SNPIdentityKey(authorKey.publicKey).digest)
    }

    @Test("the published author key signed the published ID key, and a changed one it did not")
    func endorsement() throws {
        #expect(try SNPIdentityAuthentication(parsing: authentication).isIDKeyEndorsed)
        var forged = authentication
        let other = SNPIdentityKey(P384.Signing.PrivateKey().publicKey)
        forged.replaceSubrange(0x240..<0x644, with: other.encoded)
        #expect(try !SNPIdentityAuthentication(parsing: forged).isIDKeyEndorsed)
    }

    @Test("a block is vouched for by its own signature only")
    func signature() throws {
        let block = try SNPIdentityBlock(
            launchDigest: [UInt8](repeating: 7, count: 48), familyID: [UInt8](repeating: 1, count: 16),
            imageID: [UInt8](repeating: 2, count: 16), guestSVN: 3, policy: 0x30000)
        #expect(block.encoded.count == 96)
        #expect(try SNPIdentityBlock(parsing: block.encoded) == block)
        let raw = Array(try idKey.signature(for: block.encoded).rawRepresentation)
        var bytes = authentication
        let fields = raw.prefix(48).reversed() + [UInt8](repeating: 0, count: 24) + raw.suffix(48).reversed()
        bytes.replaceSubrange(0x40..<0x40 + fields.count, with: fields)
        let read = try SNPIdentityAuthentication(parsing: bytes)
        #expect(read.vouches(for: block))
        let other = try SNPIdentityBlock(
            launchDigest: [UInt8](repeating: 8, count: 48), familyID: block.familyID, imageID: block.imageID,
            guestSVN: 3, policy: 0x30000)
        #expect(!read.vouches(for: other))
        #expect(try !SNPIdentityAuthentication(parsing: authentication).vouches(for: block))
    }

    @Test("damaged blocks are refused")
    func damaged() throws {
        func refused(_ change: (inout [UInt8]) -> Void) -> Bool {
            var bytes = authentication
            change(&bytes)
            return failure { () throws(MeasurementError) in try SNPIdentityAuthentication(parsing: bytes) }
                == .malformedImage
        }
        #expect(refused { $0.removeLast() })
        #expect(refused { $0[0] = 2 })
        #expect(refused { $0[4] = 9 })
        #expect(refused { $0[0x240] = 1 })
        #expect(refused { $0[0x244] ^= 1 })
        #expect(refused { $0[0x643] = 1 })
        #expect(refused { $0[0x40 + 48] = 1 })
        for block in [[], [UInt8](repeating: 0, count: 96), [UInt8](repeating: 0, count: 97)] {
            #expect(
                failure { () throws(MeasurementError) in try SNPIdentityBlock(parsing: block) } == .malformedImage)
        }
    }
}
