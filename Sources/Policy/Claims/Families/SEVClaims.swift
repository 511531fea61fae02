import Encodings

extension ClaimFamily {
    static let sev = ClaimFamily(
        tee: .sev, title: "AMD SEV and SEV-ES",
        about: """
            Legacy, and off unless switched on. The host proves the launch of a VM before its first instruction; nothing \
            protects the memory's integrity or is proved later, so hardware is a warning at best. Secrets go into the VM's \
            memory, not to a key, and init-data is not bound.
            """,
        claims: [
            Claim(
                "policy", .object(SEVClaims.policy), from: "launch session, policy",
                "What the VM's owner allows the host; every switch forbids or demands something."),
            Claim(
                "api_major", .integer(upTo: 255), example: 1, from: "launch measure, API_MAJOR",
                "Major version of the interface of the processor's firmware."),
            Claim(
                "api_minor", .integer(upTo: 255), example: 49, from: "launch measure, API_MINOR",
                "Minor version of the interface of the processor's firmware."),
            Claim(
                "build", .integer(upTo: 255), example: 6, from: "launch measure, BUILD",
                "The build of the processor's firmware."),
            Claim(
                "launch_digest", .hex(32),
                example: "3a8f1d0c5b7e9264a1c3e5f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b",
                from: "launch measure, LD",
                "Launch digest: firmware, hashes of kernel, initrd and command line, and with SEV-ES the registers."),
            Claim(
                "chip_id", .hex(32), example: "c1b2a39485766758493a2b1c0d9e8f70615243342516079889aabbccddeeff01",
                from: "certificate of the chip's key (CEK)",
                "SHA-256 of the chip's public key: it tells one processor from another."),
            Claim(
                "generation", .word(["naples", "rome", "milan", "genoa", "turin"]), example: "milan",
                from: "root of the certificate chain", "The generation of the processor."),
            Claim(
                "es", .boolean, example: true, from: "launch session, policy bit 2",
                "Whether registers are encrypted and measured: SEV-ES rather than SEV."),
            Claim("legacy", .boolean, example: true, from: "verifier", "Always true: prefer SEV-SNP."),
        ])
}

/// What launches of SEV guests say.
enum SEVClaims {
    static let policy: [Claim] = [
        Claim("nodbg", .boolean, example: true, from: "policy bit 0", "The host may not look into the VM."),
        Claim("noks", .boolean, example: true, from: "policy bit 1", "No other VM gets the same memory key."),
        Claim("es", .boolean, example: true, from: "policy bit 2", "Registers are encrypted and measured."),
        Claim("nosend", .boolean, example: true, from: "policy bit 3", "The VM may not be sent to another machine."),
        Claim("domain", .boolean, example: true, from: "policy bit 4", "The VM may be sent within its domain only."),
        Claim(
            "sev", .boolean, example: true, from: "policy bit 5", "The VM may be sent to machines with SEV only."),
    ]
}
