import Encodings
import RATS
import X509Trust

/// A statement about registers with its signature and the values that it is about.
struct TPMQuote: Sendable, Hashable {
    let attestation: TPMAttestation
    let signature: TPMSignature
    /// The values of the selected registers, in ascending order.
    let registers: [[UInt8]]

    /// What a quote that is believed says.
    struct Verified: Sendable, Hashable {
        let attestation: TPMAttestation
        /// The bank of the registers.
        let bank: TCGHash
        /// The values by register.
        let registers: [UInt32: [UInt8]]
    }

    /// Verifies the signature, that exactly the `wanted` registers of one bank were quoted, and that they have the given
    /// values.
    ///
    /// What the nonce is worth remains to be judged. Throws `weak_algorithm`, `signature_invalid`,
    /// `pcr_selection_mismatch` and `pcr_mismatch`.
    func verify(by key: PublicKey, wanted: [Int], banks: Set<TCGHash>) throws(VerificationError) -> Verified {
        let hash = try signature.verify(over: attestation.bytes, by: key)
        let bank = try selectedBank(wanted, banks)
        guard registers.count == wanted.count, registers.allSatisfy({ $0.count == bank.digestSize }) else {
            throw VerificationError(
                code: "pcr_mismatch",
                message: "There are not \(wanted.count) values of \(bank.digestSize) bytes for the quoted registers.")
        }
        guard let digest = hash.digest(of: Array(registers.joined())),
            constantTimeEqual(digest, attestation.pcrDigest)
        else {
            throw VerificationError(
                code: "pcr_mismatch", message: "The registers' values are not those that the TPM signed.")
        }
        return Verified(
            attestation: attestation, bank: bank,
            registers: Dictionary(zip(wanted.map(UInt32.init), registers)) { first, _ in first })
    }

    /// The bank of the selection, which must be one of `banks` and select exactly the `wanted` registers.
    private func selectedBank(_ wanted: [Int], _ banks: Set<TCGHash>) throws(VerificationError) -> TCGHash {
        guard attestation.selections.count == 1, let selection = attestation.selections.first,
            selection.indices == wanted
        else {
            throw VerificationError(
                code: "pcr_selection_mismatch",
                message: "The TPM signed another selection of registers than one bank's \(wanted.count).")
        }
        guard let bank = TCGHash(rawValue: selection.algorithm), bank != .sha1, banks.contains(bank) else {
            throw VerificationError(
                code: "weak_algorithm",
                message: "The TPM signed registers of bank \(selection.algorithm), which is not let in.")
        }
        return bank
    }
}

extension TPMQuote.Verified {
    /// The value of a register that was quoted.
    func register(_ index: Int) -> [UInt8] { registers[UInt32(index)] ?? [] }

    /// The registers as claims: `pcr00`, `pcr01` and so on, lower-case hexadecimal.
    var registerClaims: [(String, JSONValue)] {
        registers.sorted { $0.key < $1.key }.map { index, value in
            (index < 10 ? "pcr0\(index)" : "pcr\(index)", .string(Hex.encode(value)))
        }
    }

    /// Whether the register that guests extend with the digest of their init-data was extended with this one and with
    /// nothing else.
    ///
    /// Guests extend once after the machine has started, from zeros. A digest longer than the bank's cannot be extended.
    func initDataRegister(holds digest: [UInt8]) -> Bool {
        guard digest.count == bank.digestSize,
            let value = bank.digest(of: [UInt8](repeating: 0, count: bank.digestSize) + digest)
        else { return false }
        return constantTimeEqual(value, initDataRegister)
    }

    /// The register that guests extend with the digest of their init-data: PCR 8.
    var initDataRegister: [UInt8] { register(8) }

    /// The registers that a firmware's log must lead to: those of the firmware, and others that it has events of.
    ///
    /// Of the registers `beyond`, which software extends without writing into the log, only those count that the log leads to
    /// all the same; the others become steps that were not made.
    func registers(
        provedBy log: EventLog, beyond: Set<UInt32>, steps: inout [VerificationStep]
    ) throws(VerificationError) -> [UInt32: [UInt8]] {
        let logged = Set(log.events.lazy.filter(\.isMeasured).map(\.index))
        var proved: [UInt32: [UInt8]] = [:]
        for (index, value) in registers where index <= 7 || logged.contains(index) {
            if beyond.contains(index) {
                let replayed = try log.register(index, in: bank)
                guard constantTimeEqual(replayed, value) else {
                    steps.append(.skipped("event log of PCR \(index)", "software extended it further"))
                    continue
                }
            }
            proved[index] = value
        }
        return proved
    }
}
