extension ClaimFamily {
    static let se = ClaimFamily(
        tee: .se, title: "IBM Secure Execution",
        about: """
            A confidential VM on IBM Z or LinuxONE. The image is encrypted for the machines that may run it; the evidence \
            says which image it was and for which machine, nothing about debugging or firmware levels.
            """,
        claims: [
            Claim(
                "version", .integer(upTo: 4_294_967_295), example: 256, from: "attestation request, version",
                "The version of the attestation's format; 256 is 0x100."),
            Claim(
                "cuid", .hex(16), example: "3f0a6d6e5c1b4f7c9a2e8d7b6c5a4f3e",
                from: "evidence, configuration unique id",
                "The identifier that the machine gave to this very VM when it was started."),
            Claim(
                "tag", .hex(16), example: "9b7c2d4e6f8091a2b3c4d5e6f708192a", from: "Secure Execution header, tag",
                "The authentication tag of the image's header: it identifies the image with kernel, initrd and command line."
            ),
            Claim(
                "image_phkh", .hex(32), example: "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90",
                from: "additional data, first 32 bytes",
                "Hash of the host key that opened the image: the machine that it was built for."),
            Claim(
                "attestation_phkh", .hex(32),
                example: "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90",
                from: "additional data, last 32 bytes",
                "Hash of the host key that opened the attestation request: the machine that it runs on."),
        ])
}
