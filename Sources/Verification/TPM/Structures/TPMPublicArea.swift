import RATS
import X509Trust

/// What a TPM says of a key: a TPMT_PUBLIC of an RSA or ECC key (TPM 2.0 Library, part 2, section 12.2.4).
package struct TPMPublicArea: Sendable, Hashable {
    /// What a key may do (TPMA_OBJECT).
    package struct Attributes: OptionSet, Sendable, Hashable {
        /// The bits.
        package let rawValue: UInt32
        /// Attributes of these bits.
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The key cannot leave its TPM.
        static let fixedTPM = Attributes(rawValue: 1 << 1)
        /// The key cannot leave the key above it.
        static let fixedParent = Attributes(rawValue: 1 << 4)
        /// The TPM itself made the key.
        static let sensitiveDataOrigin = Attributes(rawValue: 1 << 5)
        /// The key signs what the TPM made up and nothing that others did.
        static let restricted = Attributes(rawValue: 1 << 16)
        /// The key decrypts.
        static let decrypt = Attributes(rawValue: 1 << 17)
        /// The key signs.
        static let sign = Attributes(rawValue: 1 << 18)

        /// The key may be used by whoever knows its password, whatever its policy.
        static let userWithAuth = Attributes(rawValue: 1 << 6)

        /// Whether a key protects other keys, and is its TPM's own.
        var makeStorageKey: Bool {
            isSuperset(of: [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .decrypt]) && !contains(.sign)
        }

        /// Whether what a key signs in the form of a statement is one: only then does the TPM refuse to sign forgeries.
        var makeAttestationKey: Bool {
            isSuperset(of: [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .restricted, .sign])
                && !contains(.decrypt)
        }
    }

    /// A symmetric cipher (TPMT_SYM_DEF_OBJECT).
    package struct Cipher: Sendable, Hashable {
        /// The algorithm, by its number in the TCG Algorithm Registry.
        package let algorithm: UInt16
        /// The size of its key in bits.
        package let keyBits: UInt16
        /// The mode of operation, by its number in the same registry.
        package let mode: UInt16

        fileprivate init?(reading reader: inout EvidenceReader) throws(VerificationError) {
            algorithm = try reader.u16BE()
            guard algorithm != TPMPublicArea.null else { return nil }
            keyBits = try reader.u16BE()
            mode = try reader.u16BE()
        }
    }

    /// What the key may do.
    package let attributes: Attributes
    /// The algorithm of the key's name, by its number in the TCG Algorithm Registry.
    package let nameAlgorithm: UInt16
    /// The digest of the policy under which the key may be used; empty when there is none.
    package let policy: [UInt8]
    /// The cipher that protects what is put under a storage key; `nil` for keys that protect nothing.
    package let cipher: Cipher?
    /// The key.
    package let key: PublicKey
    /// The area as the TPM wrote it.
    package let bytes: [UInt8]

    fileprivate static let null: UInt16 = 0x0010

    /// Reads an area, all of the bytes. Throws `malformed_evidence`, also for keys that are neither RSA nor ECC.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The TPM key's public area")
        let type = try reader.u16BE()
        nameAlgorithm = try reader.u16BE()
        attributes = Attributes(rawValue: try reader.u32BE())
        policy = try reader.counted()
        cipher = try Cipher(reading: &reader)
        let scheme = try reader.u16BE()
        if scheme != Self.null { try reader.skip(2) }  // its hash algorithm
        switch type {
        case 0x0001: key = try Self.rsaKey(&reader)
        case 0x0023: key = try Self.eccKey(&reader)
        default: throw reader.malformed("The key is of type \(type).")
        }
        try reader.requireEnd()
        self.bytes = bytes
    }

    private static func rsaKey(_ reader: inout EvidenceReader) throws(VerificationError) -> PublicKey {
        let bits = Int(try reader.u16BE())
        let exponent = try reader.u32BE()
        let modulus = try reader.counted()
        guard modulus.count * 8 == bits else { throw reader.malformed("The modulus has not \(bits) bits.") }
        // The TPM writes its usual exponent as zero.
        let value = exponent == 0 ? 65537 : exponent
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
        do throws(X509Error) {
            return try .rsa(modulus: modulus, exponent: bytes)
        } catch {
            throw reader.malformed(error.message)
        }
    }

    private static func eccKey(_ reader: inout EvidenceReader) throws(VerificationError) -> PublicKey {
        let number = try reader.u16BE()
        if try reader.u16BE() != Self.null { try reader.skip(2) }  // key derivation: its hash algorithm
        let x = try reader.counted()
        let y = try reader.counted()
        let curves: [UInt16: PublicKey.Curve] = [3: .p256, 4: .p384, 5: .p521]
        guard let curve = curves[number] else { throw reader.malformed("The key is on curve \(number).") }
        let count = curve.coordinateByteCount
        guard x.count <= count, y.count <= count else { throw reader.malformed("A coordinate is too long.") }
        let point = [x, y].flatMap { [UInt8](repeating: 0, count: count - $0.count) + $0 }
        do throws(X509Error) {
            return try .ec(curve, x963: [4] + point)
        } catch {
            throw reader.malformed(error.message)
        }
    }

    /// The key's name: the number of the algorithm and the digest of the area; `nil` for algorithms that are not known.
    package var name: [UInt8]? {
        guard let digest = TCGHash(rawValue: nameAlgorithm)?.digest(of: bytes) else { return nil }
        return [UInt8(nameAlgorithm >> 8), UInt8(truncatingIfNeeded: nameAlgorithm)] + digest
    }
}
