import Encodings
import Measurement
import Verification
import X509TestSupport

/// What runs on an OpenPOWER machine above all hypervisors: it opens blobs with the machine's key and compares guests with them.
package struct SimulatedPowerUltravisor: Sendable {
    /// The machine.
    package var host: SimulatedPowerHost

    /// The Ultravisor of a machine.
    package init(on host: SimulatedPowerHost) { self.host = host }

    /// Lets a guest become a secure one, and returns the files that its blob has for it.
    ///
    /// Throws when the TPM refuses the machine's key, when the blob is for other machines, or when the guest is another than
    /// the blob says.
    package func enter(
        _ blob: [UInt8], rtas: [UInt8], kernel: [UInt8], initrd: [UInt8], bootArguments: String
    ) throws -> [String: [UInt8]] {
        guard host.tpm.registers == host.goodRegisters else { throw SimulationError("the TPM's registers are others") }
        let blob = try ESMBlob(parsing: blob)
        guard let lockbox = blob.lockboxes.first(where: { $0.fingerprint == host.fingerprint }) else {
            throw SimulationError("the blob has no lockbox for this machine")
        }
        let key = SecretBytes(try host.machineKey.decryptOAEP(lockbox.encryptedKey, hash: .sha256))
        let found = try ESMDigests(
            rtas: MemoryArtifact(rtas), kernel: MemoryArtifact(kernel), initrd: MemoryArtifact(initrd),
            bootArguments: bootArguments)
        guard try blob.digests(key: key) == found else { throw SimulationError("the guest is not the blob's") }
        var files: [String: [UInt8]] = [:]
        for name in blob.fileNames { files[name] = try blob.file(name, key: key).copyBytes() }
        return files
    }
}
