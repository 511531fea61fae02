/// The entries of a boot log whose digests add up to the measured registers.
enum EventLogClaims {
    /// The whole log.
    static func log(from source: String, with condition: String = "") -> Claim {
        Claim(
            "uefi_event_logs", .list(.object(entry)), .sometimes, from: source,
            "What was measured while booting, in order; only there when the guest sent its log and it adds up to the registers\(condition)."
        )
    }

    /// What is odd about the log.
    static let findings = Claim(
        "uefi_event_log_findings",
        .list(
            .word([
                "duplicate_separator", "error_separator", "late_firmware_event", "missing_separator",
                "doubtful_agent_event",
            ])), .additional, example: [], from: "event log",
        "What is odd about the log: more than one mark between firmware and operating system, a mark of an error, events of firmware after the mark, no mark, or an agent's event whose text is not the hashed one."
    )

    private static let entry: [Claim] = [
        Claim(
            "index", .integer(upTo: 4_294_967_295), example: 2, from: "event header, register index",
            "The register that the event went into: the PCR; for TDX 0 is MRTD and 1 to 4 are RTMR 0 to 3."),
        Claim(
            "type_name", .text, example: "EV_EFI_BOOT_SERVICES_APPLICATION", from: "event header, event type",
            "The kind of event by its TCG name."),
        Claim(
            "digests", .list(.object(digest)), from: "event header, digests",
            "What was added to the register, once for each hash algorithm."),
        Claim(
            "event", .base64(nil), example: "Q2FsbGluZyBFRkkgQXBwbGljYXRpb24gZnJvbSBCb290IE9wdGlvbg==",
            from: "event data", "The raw description; for files and programs it is not what was hashed."),
        Claim(
            "digest_matches_event", .boolean, .sometimes, example: true,
            from: "digest of the event data, computed again",
            "Whether the digest covers the description itself; only then the details can be believed."),
        Claim(
            "details", .object(details), from: "event data, by its kind",
            "The description in readable parts; which ones depends on the kind of event."),
    ]

    private static let digest: [Claim] = [
        Claim(
            "alg", .text, example: "SHA-384", from: "digest, algorithm identifier", "The hash algorithm."),
        Claim(
            "digest", .hex(nil),
            example: "2cded0c6f453d4c6f59c5e14ec61abc6b018314540a2367cba326a52aa2b315ccc08ce68a816ce09c6ef2ac7e514ae1f",
            from: "digest, value", "The digest."),
    ]

    private static let details: [Claim] = [
        Claim(
            "string", .text, .sometimes, example: "LOADED_IMAGE::LoadOptions", from: "event data as text",
            "The description as text; left out where it has control characters, save the line breaks of a boot loader's script."
        ),
        Claim(
            "unicode_name", .text, .sometimes, example: "SecureBoot", from: "UEFI_VARIABLE_DATA.UnicodeName",
            "The name of a UEFI variable."),
        Claim(
            "unicode_name_length", .integer(upTo: 1_048_576), .sometimes, example: 10,
            from: "UEFI_VARIABLE_DATA.UnicodeNameLength", "The length of that name in characters."),
        Claim(
            "variable_name", .text, .sometimes, example: "61dfe48b-ca93-d211-aa0d-00e098032b8c",
            from: "UEFI_VARIABLE_DATA.VariableName", "The GUID of the variable's owner."),
        Claim(
            "variable_data", .base64(nil), .sometimes, example: "AQ==", from: "UEFI_VARIABLE_DATA.VariableData",
            "The value of the variable."),
        Claim(
            "variable_data_length", .integer(upTo: 1_048_576), .sometimes, example: 1,
            from: "UEFI_VARIABLE_DATA.VariableDataLength", "The size of that value in bytes."),
        Claim(
            "device_paths", .list(.text), .sometimes, example: ["File(\\EFI\\BOOT\\BOOTX64.EFI)"],
            from: "UEFI_IMAGE_LOAD_EVENT.DevicePath", "Where a program was loaded from, as the firmware says."),
        Claim(
            "data", .object(agentEvent), .sometimes, from: "EV_EVENT_TAG with the tag of the guest's agent",
            "An event that software in the guest recorded while running."),
    ]

    private static let agentEvent: [Claim] = [
        Claim(
            "domain", .text, example: "github.com/confidential-containers", from: "agent event, first word",
            "Who defined the operation."),
        Claim(
            "operation", .text, example: "PullImage", from: "agent event, second word", "What was done."),
        Claim(
            "content", .anything,
            example:
                "registry.example/payments/app@sha256:4b7ce07002c69e8f3d704a9c5d6fd3053be500b7f1c69fc0d80990c2ad8dd412",
            from: "agent event, the rest; JSON is parsed up to 1024 values and 16 levels", "What it was done with."),
    ]
}
