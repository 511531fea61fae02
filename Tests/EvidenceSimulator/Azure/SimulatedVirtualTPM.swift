import Crypto
import Encodings
import RATS
import X509TestSupport
import X509Trust

/// The virtual TPM of a confidential VM, whose attestation key is the paravisor's.
package struct SimulatedVirtualTPM: Sendable {
    /// The attestation key, RSA with 2048 bits.
    package let key: TestKey
    /// The values of the 24 registers of SHA-256.
    package var registers: [[UInt8]]

    /// A TPM after the start of the machine.
    package init() throws {
        key = try TestKey.generate(.rsa(2048))
        registers = (0..<24).map { [UInt8](repeating: $0 < 17 ? 0 : 0xFF, count: 32) }
    }

    /// Extends a register with a digest.
    package mutating func extend(_ index: Int, with digest: [UInt8]) {
        registers[index] = Array(SHA256.hash(data: registers[index] + digest))
    }

    /// A TPMS_ATTEST about all registers, and the key's signature (RSASSA with SHA-256) over it.
    package func quote(nonce: [UInt8]) throws -> (message: [UInt8], signature: [UInt8]) {
        let values = Array(SHA256.hash(data: Array(registers.joined())))
        let generated: [UInt8] = [0xFF, 0x54, 0x43, 0x47, 0x80, 0x18]
        let signer: [UInt8] = [0, 34, 0, 0x0B] + [UInt8](repeating: 5, count: 32)
        let clock: [UInt8] = [UInt8](repeating: 0, count: 8) + [0, 0, 0, 3, 0, 0, 0, 1, 1]
        let firmware: [UInt8] = [0x20, 0x16, 0x05, 0x11, 0, 0x16, 0x28, 0]
        let selection: [UInt8] = [0, 0, 0, 1, 0, 0x0B, 3, 0xFF, 0xFF, 0xFF]
        let message =
            generated + signer + [0, UInt8(nonce.count)] + nonce + clock + firmware + selection
            + [0, UInt8(values.count)] + values
        return (message, try key.sign(message, .rsaPKCS1(.sha256)))
    }

    /// Fresh evidence of the TPM alone, as guests without a TEE send it; a nonce of 32 bytes is all that it is bound to.
    package func evidence(bound digest: [UInt8]) throws -> Evidence {
        let quote = try quote(nonce: Array(digest.prefix(32)))
        let size = [UInt8(quote.signature.count >> 8), UInt8(truncatingIfNeeded: quote.signature.count)]
        return Evidence(
            tee: .tpm,
            content: [
                "ak_public": .string(Base64.encode(key.publicKey.spki)),
                "tpm_quote": [
                    "message": .string(Base64.encode(quote.message)),
                    "signature": .string(Base64.encode([0, 0x14, 0, 0x0B] + size + quote.signature)),
                    "pcrs": .array(registers.map { .string(Hex.encode($0)) }),
                ],
            ])
    }
}
