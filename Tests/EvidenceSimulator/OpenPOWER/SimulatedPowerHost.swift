import Crypto
import Encodings
import RATS
import Verification
import X509TestSupport
import X509Trust

/// An OpenPOWER machine with a TPM that holds its machine key. Everything that it presents can be changed before it is signed.
package struct SimulatedPowerHost: Sendable {
    /// The TPM with its attestation key.
    package var tpm: SimulatedVirtualTPM
    /// The machine's key, RSA with 2048 bits.
    package var machineKey: TestKey
    /// What the TPM says that the machine's key may do: decrypt, under a policy only.
    package var attributes: UInt32 = 0x0002_0032
    /// The digest of that policy.
    package var policy = [UInt8](repeating: 0x8B, count: 32)
    /// The key that the TPM vouches for, when it is not the machine's.
    package var certifiedKey: TestKey?
    /// The registers under which the TPM lets the Ultravisor use the machine's key.
    package var goodRegisters: [[UInt8]]

    /// A machine that nothing is wrong with.
    package init() throws {
        tpm = try SimulatedVirtualTPM()
        machineKey = try TestKey.generate(.rsa(2048))
        goodRegisters = tpm.registers
    }

    /// This machine with changes; it signs again whenever it is asked.
    package func twin(_ change: (inout SimulatedPowerHost) throws -> Void) rethrows -> SimulatedPowerHost {
        var twin = self
        try change(&twin)
        return twin
    }

    /// The fingerprint by which blobs know the machine's key.
    package var fingerprint: [UInt8] { Array(SHA256.hash(data: Array(machineKey.publicKey.pem.utf8))) }

    /// Fresh evidence that is bound to a digest.
    ///
    /// - Parameters:
    ///   - statement: what a blob's owner signed.
    ///   - certified: what the word about the machine's key is bound to, when it is another digest.
    package func evidence(
        bound digest: [UInt8], statement: String? = nil, certified: [UInt8]? = nil
    ) throws -> Evidence {
        let message = try certification(nonce: Array((certified ?? digest).prefix(32)))
        let signature = try tpm.key.sign(message, .rsaPKCS1(.sha256))
        return Evidence(
            tee: .pef,
            content: [
                "host_tpm": try tpm.evidence(bound: digest).content,
                "machine_key": text(area(of: machineKey)),
                "machine_key_certification": [
                    "message": text(message), "signature": text([0, 0x14, 0, 0x0B] + TPMWriting.counted(signature)),
                ],
                "esm_statement": statement.map(JSONValue.string) ?? .null,
            ])
    }

    /// A TPMS_ATTEST about the machine's key.
    private func certification(nonce: [UInt8]) throws -> [UInt8] {
        guard let name = try TPMPublicArea(parsing: area(of: certifiedKey ?? machineKey)).name else {
            throw SimulationError("the machine's key has no name")
        }
        let generated: [UInt8] = [0xFF, 0x54, 0x43, 0x47, 0x80, 0x17]
        let signer = TPMWriting.counted([0, 0x0B] + [UInt8](repeating: 5, count: 32))
        let clock: [UInt8] = [UInt8](repeating: 0, count: 8) + [0, 0, 0, 3, 0, 0, 0, 1, 1]
        let firmware: [UInt8] = [0x20, 0x16, 0x05, 0x11, 0, 0x16, 0x28, 0]
        return generated + signer + TPMWriting.counted(nonce) + clock + firmware + TPMWriting.counted(name)
            + TPMWriting.counted(name)
    }

    private func area(of key: TestKey) -> [UInt8] {
        // Of an RSA key's encoding everything but the modulus has a fixed size: 33 bytes before, 5 after.
        let modulus = Array(key.publicKey.spki.dropFirst(33).dropLast(5))
        return [0, 1, 0, 0x0B] + littleEndian(attributes).reversed() + TPMWriting.counted(policy)
            + [0, 0x10, 0, 0x10, 8, 0, 0, 0, 0, 0] + TPMWriting.counted(modulus)
    }

    private func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64.encode(bytes)) }
}
