import Encodings

extension ClaimFamily {
    static let csv = ClaimFamily(
        tee: .csv, title: "Hygon CSV",
        about: """
            A confidential VM on a Hygon processor. Switches are numbers, 1 or 0: write claims.csv.policy.nodbg == 1. \
            Reports of version 1 do not protect the policy, so that it is absent there, as vm_id and vm_version are. \
            Init-data is not bound.
            """,
        claims: CSVClaims.report + CSVClaims.registers + [
            EventLogClaims.log(from: "CCEL table of the guest (cc_eventlog), version 2")
        ])

    static let hygonDCU = ClaimFamily(
        tee: .hygondcu, title: "Hygon DCU",
        about: """
            An accelerator, attested beside the VM that uses it; of class dcu. Alone it is contraindicated: whoever drives \
            it has it sign anything. Not proven on hardware.
            """,
        claims: [
            Claim(
                "body", .object(CSVClaims.accelerator), from: "report body", "The report that the accelerator signed.")
        ])
}

/// The reports of Hygon's processors and accelerators.
enum CSVClaims {
    private static func zeros(_ bytes: Int) -> JSONValue { .string(String(repeating: "0", count: 2 * bytes)) }

    static let report: [Claim] = [
        Claim(
            "version", .word(["1", "2"]), example: "2", from: "report, magic and flags", "The version of the report."),
        Claim(
            "policy", .object(policy), .sometimes, from: "report version 2, POLICY",
            "What the VM's owner allows the host, as switches."),
        Claim(
            "measure", .hex(32), example: "1178dadb5a40e2a1ad4ad2f6b0e21f4b3e7d6a6b8c5f4e3d2c1b0a9f8e7d6c5b",
            from: "report, MEASURE",
            "Launch digest (SM3): what the VM's memory held before its first instruction."),
        Claim(
            "user_pubkey_digest", .hex(32), example: zeros(32), from: "report, user public-key digest",
            "Digest of the owner's session key; zero when there was no session."),
        Claim(
            "vm_id", .hex(16), .sometimes, example: zeros(16), from: "report version 2, VM id",
            "The identifier that the owner gave to the VM."),
        Claim(
            "vm_version", .hex(16), .sometimes, example: zeros(16), from: "report version 2, VM version",
            "The version that the owner gave to the VM."),
        Claim(
            "serial_number", .text, example: "NZA9T14052605", from: "signer block, chip serial number",
            "The processor's serial number as the sender says it; nobody signed it. Processors are told apart by chip_key_digest."
        ),
        Claim(
            "chip_key_digest", .hex(32), .additional,
            example: "9a3f1c5e7b2d4860a1c3e5f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b",
            from: "certificate of the chip (CEK), public key",
            "This very processor: SHA-256 over the key that Hygon certified for it (the byte 04, x, y)."),
        Claim(
            "mnonce", .hex(16), example: "0f1e2d3c4b5a69788796a5b4c3d2e1f0", from: "report, MNONCE",
            "A random number of the request; it protects the signer block."),
        Claim(
            "sig_usage", .hex(4), example: "00100000", from: "report, signature usage",
            "What the signing key is for; lowest byte first."),
        Claim(
            "sig_algo", .hex(4), example: "04000000", from: "report, signature algorithm",
            "The algorithm of the signature; lowest byte first."),
        Claim(
            "anonce", .hex(4), .sometimes, example: "5a3c9e71", from: "report version 1, ANONCE",
            "The number that the fields of a version 1 report are masked with."),
    ]

    static let registers: [Claim] =
        [
            Claim(
                "build", .integer(upTo: 4_294_967_295), .sometimes, example: 2063, from: "report version 2, BUILD",
                "The build number of the processor's security firmware."),
            Claim(
                "rtmr_version", .integer(upTo: 65_535), .sometimes, example: 1, from: "report version 2, RTMR version",
                "The version of the run-time registers."),
        ]
        + [
            "The launch digest again.", "Register of the firmware's configuration.",
            "Register of the programs that the firmware started: boot loader and kernel.",
            "Register of what the boot loader loaded: command line and initrd.",
            "Register for software that runs in the VM.",
        ].enumerated().map { index, meaning in
            Claim(
                "rtmr\(index)", .hex(32), .sometimes, example: zeros(32), from: "report version 2, RTMR \(index)",
                meaning)
        } + [
            Claim(
                "reserved0", .hex(14), .sometimes, example: zeros(14), from: "report version 2, after RTMR version",
                "Reserved."),
            Claim(
                "reserved1", .hex(656), .sometimes, example: zeros(656), from: "report version 2, after RTMR 4",
                "Reserved."),
        ]

    private static let policy: [Claim] = [
        flag(
            "nodbg", "POLICY bit 0", 1,
            "1 forbids the host to debug the VM, which is to read and write its memory; a VM with 0 keeps no secret."),
        flag("noks", "POLICY bit 1", 1, "1 forbids to share the memory key with another VM."),
        flag("es", "POLICY bit 2", 1, "1 asks for encrypted registers (CSV2)."),
        flag("nosend", "POLICY bit 3", 1, "1 forbids to send the VM to another machine."),
        flag("domain", "POLICY bit 4", 0, "1 forbids to send the VM to machines outside of its domain."),
        flag("csv", "POLICY bit 5", 1, "1 forbids to send the VM to machines without CSV."),
        flag("csv3", "POLICY bit 6", 0, "1 asks for CSV3, which protects memory against being changed."),
        flag("asid_reuse", "POLICY bit 7", 0, "1 allows VMs of the same owner to share an address-space number."),
        minimum(
            "hsk_version", "POLICY, HSK version", "The oldest signing key of the chip maker that a machine may have."),
        minimum("cek_version", "POLICY, CEK version", "The oldest chip endorsement key that a machine may have."),
        minimum("api_major", "POLICY bits 23:16", "The oldest major firmware interface on which the VM may run."),
        minimum("api_minor", "POLICY bits 31:24", "The oldest minor firmware interface on which the VM may run."),
    ]

    private static func flag(_ name: String, _ source: String, _ example: Int64, _ meaning: String) -> Claim {
        Claim(name, .integer(upTo: 1), example: .int(example), from: source, meaning)
    }

    private static func minimum(_ name: String, _ source: String, _ meaning: String) -> Claim {
        Claim(name, .integer(upTo: 255), example: 0, from: source, meaning)
    }

    static let accelerator: [Claim] = [
        Claim(
            "version", .integer(upTo: 4_294_967_295), example: 1, from: "report body, version",
            "The version of the report."),
        Claim(
            "chip_id", .hex(16), example: "4b50413634393131323430353037aa00", from: "report body, chip id",
            "This very accelerator."),
        Claim(
            "user_data", .hex(64), example: zeros(64), from: "report body, user data",
            "What the guest had signed: the digest over nonce and key that the broker has checked."),
        Claim(
            "measure", .hex(32), example: "5d8f2a1c7b3e4f60918273645546372819a0bfcedd0e1f2a3b4c5d6e7f809112",
            from: "report body, measure",
            "Measurement of the accelerator's firmware."),
        Claim("reserved", .hex(nil), example: zeros(128), from: "report body, reserved", "Reserved."),
        Claim(
            "sig_usage", .text, example: "1004", from: "report body, signature usage",
            "What the signing key is for: a number in hexadecimal digits."),
        Claim(
            "sig_algo", .text, example: "4", from: "report body, signature algorithm",
            "The algorithm of the signature: a number in hexadecimal digits."),
    ]
}
