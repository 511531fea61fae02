/// Why a TPM did not do what it was asked for.
struct TPMError: Error, Sendable, Hashable {
    enum Reason: Sendable, Hashable {
        /// The TPM's response code (TPM 2.0 Library, part 2, section 6.6).
        case refused(UInt32)
        /// The answer is none of a TPM.
        case malformed
        /// The TPM cannot be reached, or does not have what is needed.
        case unavailable
    }

    let reason: Reason
    let message: String

    static func malformed(_ message: String) -> TPMError { TPMError(reason: .malformed, message: message) }
    static func unavailable(_ message: String) -> TPMError { TPMError(reason: .unavailable, message: message) }

    static func refused(_ command: TPMCommand.Code, _ code: UInt32) -> TPMError {
        let digits = String(code, radix: 16)
        let number = "0x" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
        let meaning = TPMResponseCode.meaning(of: code).map { ": \($0)" } ?? ""
        return TPMError(reason: .refused(code), message: "The TPM refused \(command) with \(number)\(meaning).")
    }

    /// Whether the TPM knows no object or index of the given handle.
    var isMissingHandle: Bool {
        if case .refused(let code) = reason { TPMResponseCode.isHandle(code) } else { false }
    }

    /// The same for callers of attesters.
    var guestError: GuestError { GuestError(.evidence, message) }
}

/// The TPM's response codes that mean something to an operator (TPM 2.0 Library, part 2, section 6.6.3).
enum TPMResponseCode {
    static let success: UInt32 = 0
    /// The TPM asks for the command once more.
    static let again: Set<UInt32> = [0x922, 0x908, 0x90A]

    /// TPM_RC_HANDLE of any handle of the command, and TPM_RC_REFERENCE_H0 and following.
    static func isHandle(_ code: UInt32) -> Bool { code & 0xBF == 0x8B || (0x910...0x916).contains(code) }

    static func meaning(of code: UInt32) -> String? {
        if isHandle(code) { return "there is no such object or index" }
        switch code {
        case 0x14A: return "the index was never written"
        case 0x148: return "the index is locked"
        case 0x14C: return "the index exists already"
        case 0x14B: return "there is no room for another index"
        case 0x907: return "the register cannot be extended by software of the operating system"
        case 0x921: return "it is locked out after failed authorizations"
        case 0x98E, 0x9A2: return "the object or hierarchy has a password"
        default: return nil
        }
    }
}
