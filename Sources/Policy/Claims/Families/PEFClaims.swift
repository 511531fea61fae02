import Encodings

extension ClaimFamily {
    static let pef = ClaimFamily(
        tee: .pef, title: "OpenPOWER PEF",
        about: """
            A host whose Ultravisor opens secure guests. Guests make no evidence of their own: the host's TPM is attested, \
            and that the machine key, which guests' ESM blobs are locked to, is in it. What a guest of a blob starts with \
            is in `esm_digests`, by the word of the blob's owner. A TPM alone never makes hardware affirming. Not proven \
            on hardware.
            """,
        claims: PEFClaims.machine + PEFClaims.blob + [
            Claim(
                "host_tpm", .object(ClaimFamily.tpm.claims), from: "TPM quote of the host",
                "The claims of kind `tpm` about the host.")
        ])
}

/// A machine and a blob that is locked to its key.
enum PEFClaims {
    static let machine: [Claim] = [
        Claim(
            "machine_key_fingerprint", .hex(32),
            example: "5d8f2a1c7b3e4f60918273645546372819a0bfcedd0e1f2a3b4c5d6e7f809112",
            from: "machine key, SHA-256 of its PEM",
            "The key of the machine, which its TPM lets only an Ultravisor use that was measured as it should be."),
        Claim(
            "machine_key_policy", .hex(nil),
            example: "8b1c6d0e2f3a4958677685940302112039485766758493a2b1c0dfeefd0c1b2a",
            from: "machine key, TPMT_PUBLIC.authPolicy",
            "Digest of the policy, over registers above all, under which the TPM uses the machine key."),
    ]

    static let blob: [Claim] = [
        Claim(
            "esm_blob", .hex(32), .sometimes,
            example: "a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192",
            from: "owner's statement, SHA-256 of the blob",
            "The ESM blob that is asked for; without one only the machine is attested."),
        Claim(
            "esm_owner", .hex(32), .sometimes,
            example: "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9",
            from: "owner's key, SHA-256 of its SubjectPublicKeyInfo",
            "Who made the blob and signed what is in it; the operator named this key."),
        Claim(
            "esm_digests", .object(digests), .sometimes, from: "owner's statement, digests",
            "What the Ultravisor compares a guest with before it lets it run."),
    ]

    private static let digests: [Claim] = [
        digest("rtas", "The run-time services of the firmware."), digest("kernel", "The kernel, as objcopy writes it."),
        digest("initrd", "The first file system."), digest("bootargs", "The kernel's command line."),
        Claim(
            "kernel_size", .integer(upTo: 4_294_967_295), .sometimes, example: 36_438_016,
            from: "owner's statement, kernel-size", "The size of the kernel in bytes."),
    ]

    private static func digest(_ name: String, _ meaning: String) -> Claim {
        Claim(
            name, .hex(64), .sometimes, example: .string(String(repeating: "3c", count: 64)),
            from: "owner's statement, SHA-512", meaning)
    }
}
