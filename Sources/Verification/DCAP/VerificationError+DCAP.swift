import RATS

extension VerificationError {
    static func malformedQuote(_ reason: String) -> VerificationError {
        VerificationError(code: "malformed_evidence", message: "The evidence is no quote that can be read: \(reason).")
    }

    static func unsupportedQuote(_ reason: String) -> VerificationError {
        VerificationError(
            code: "unsupported_version", message: "The quote is of a kind that is not verified here: \(reason).")
    }

    static func malformedCollateral(_ what: String, _ reason: String) -> VerificationError {
        VerificationError(
            code: "malformed_collateral",
            message: "Intel's \(what) cannot be read: \(reason). Fetch it again, byte for byte as it is served.")
    }

    static func collateralMismatch(_ what: String, _ reason: String) -> VerificationError {
        VerificationError(
            code: "collateral_mismatch", message: "Intel's \(what) is not for this quote: \(reason).")
    }

    static func quotingEnclave(_ reason: String) -> VerificationError {
        VerificationError(
            code: "qe_identity_mismatch", message: "The quote was not signed by Intel's quoting enclave: \(reason).")
    }

    static func tdxModule(_ reason: String) -> VerificationError {
        VerificationError(
            code: "tdx_module_mismatch",
            message: "The trust domain does not run under a TDX module of Intel's: \(reason).")
    }

    static func unsupportedTCB(_ what: String) -> VerificationError {
        VerificationError(
            code: "tcb_unsupported",
            message:
                "Intel's TCB info has no level for \(what), so nothing is known about its security. Update the machine."
        )
    }
}
