import Encodings
import RATS
import X509Trust

/// What the realm's token says.
package struct CCARealmClaims: Sendable, Hashable {
    /// What the realm had signed, 64 bytes.
    package let challenge: [UInt8]
    /// `nil` in tokens of the first release, which name none.
    package let profile: String?
    /// What the host gave at the realm's start, 64 bytes.
    package let personalization: [UInt8]
    package let hash: CCAHash
    /// The realm's key as it stands in the token: a raw point, or the bytes of a COSE_Key. What the platform vouches for
    /// are these bytes, so that no other spelling of the same key may stand for them.
    package let keyBytes: [UInt8]
    package let key: PublicKey
    /// The only algorithm that the key may be used with, where it names one.
    let keyAlgorithm: COSEAlgorithm?
    package let keyHash: CCAHash
    package let initialMeasurement: [UInt8]
    /// Four registers.
    package let extensibleMeasurements: [[UInt8]]

    static let profile = "tag:arm.com,2023:realm#1.0.0"

    init(_ reader: CCAClaimReader) throws(VerificationError) {
        challenge = try reader.bytes(10, "challenge", [64])
        profile = try reader.optionalText(265, "profile")
        if let profile, !profile.utf8.elementsEqual(Self.profile.utf8) {
            throw .unsupportedVersion("The realm token follows a profile that is not known.")
        }
        personalization = try reader.bytes(44_235, "personalization value", [64])
        hash = try reader.hash(44_236, "hash algorithm")
        keyBytes = try reader.bytes(44_237, "public key", atMost: 512)
        (key, keyAlgorithm) = try profile == nil ? Self.rawKey(keyBytes, reader) : Self.coseKey(keyBytes, reader)
        keyHash = try reader.hash(44_240, "hash algorithm of the public key")
        initialMeasurement = try reader.bytes(44_238, "initial measurement", CCAClaimReader.digestSizes)
        extensibleMeasurements = try Self.registers(reader, size: initialMeasurement.count)
    }

    private static func registers(_ reader: CCAClaimReader, size: Int) throws(VerificationError) -> [[UInt8]] {
        let registers = reader.map[44_239]?.arrayValue?.compactMap(\.bytesValue) ?? []
        guard registers.count == 4, reader.map[44_239]?.arrayValue?.count == 4,
            registers.allSatisfy({ $0.count == size })
        else { throw reader.malformed("It has not four extensible measurements of the size of the initial one.") }
        return registers
    }

    private static func rawKey(
        _ bytes: [UInt8], _ reader: CCAClaimReader
    ) throws(VerificationError) -> (PublicKey, COSEAlgorithm?) {
        guard let curve = PublicKey.Curve.allCases.first(where: { bytes.count == 1 + 2 * $0.coordinateByteCount }),
            let key = try? PublicKey.ec(curve, x963: bytes)
        else { throw reader.malformed("Its public key is no point of a curve that is known.") }
        return (key, nil)
    }

    private static func coseKey(
        _ bytes: [UInt8], _ reader: CCAClaimReader
    ) throws(VerificationError) -> (PublicKey, COSEAlgorithm?) {
        let key: COSEKey
        do throws(COSEError) {
            key = try COSEKey(parsing: bytes)
        } catch {
            throw reader.malformed("Its public key cannot be read. \(error.message)")
        }
        guard let point = try? PublicKey(key) else { throw reader.malformed("Its public key is not on its curve.") }
        return (point, key.algorithm)
    }
}
