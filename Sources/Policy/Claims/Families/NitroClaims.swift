import Encodings

extension ClaimFamily {
    static let nitro = ClaimFamily(
        tee: .nitro, title: "AWS Nitro Enclaves",
        about: """
            An enclave that AWS's hypervisor keeps apart from the instance that started it. Its memory is not encrypted \
            against whoever operates the machine, so the word is AWS's. Init-data is not bound.
            """,
        claims: NitroClaims.statement
            + NitroClaims.registers.map { index, meaning in
                Claim(
                    "pcr\(index)", .hex(48), index > 4 ? .sometimes : .always,
                    example: .string(NitroClaims.example(index)),
                    from: "document, pcrs, register \(index)", meaning)
            })
}

/// The attestation document of a Nitro enclave.
enum NitroClaims {
    static let statement: [Claim] = [
        Claim(
            "module_id", .text, example: "i-0827e799ec9232d44-enc019b5640fdf630d6", from: "document, module_id",
            "The instance that started the enclave, and the enclave, which gets another name with each start."),
        Claim(
            "timestamp", .integer(upTo: 4_503_599_627_370_496), example: 1_766_678_659_346, from: "document, timestamp",
            "When the document was made, in milliseconds since 1970; the broker has checked that it is fresh."),
        Claim(
            "digest", .word(["SHA384"]), example: "SHA384", from: "document, digest",
            "The hash algorithm of the registers."),
        Claim(
            "debug", .boolean, example: false, from: "document, registers 0 to 2",
            "Whether the enclave was started in debug mode, in which the instance sees into it and the registers are zero."
        ),
        Claim(
            "user_data", .hex(nil), example: "", from: "document, user_data",
            "What the enclave had signed; empty when it gave nothing."),
        Claim(
            "nonce", .hex(nil), example: "", from: "document, nonce",
            "What the enclave had signed; empty when it gave nothing."),
        Claim(
            "public_key", .hex(nil), example: "", from: "document, public_key",
            "A key that the enclave had signed; empty when it gave none. The broker seals to the key of its own protocol."
        ),
    ]

    static let registers: [(Int, String)] =
        [
            (0, "The enclave's image: kernel, command line and file systems."),
            (1, "The kernel, its command line and the first file system."),
            (2, "The application: the file systems after the first."),
            (3, "Hash of the role of the instance that started the enclave; zero without one."),
            (4, "Hash of the identifier of the instance that started the enclave."),
        ]
        + (5...15).map { index in
            index == 8
                ? (8, "Hash of the certificate that signed the image; zero when nobody did.")
                : (index, "Extended by nobody but software in the enclave.")
        }

    static func example(_ index: Int) -> String {
        String(repeating: "0", count: 94) + (index < 10 ? "0\(index)" : "\(index)")
    }
}
