import Encodings

extension ClaimFamily {
    static let sgx = ClaimFamily(
        tee: .sgx, title: "Intel SGX",
        about: """
            An enclave: one program, protected from everything else on its machine. Texts of hexadecimal digits are the \
            quote's bytes in their order, so numbers in them have their lowest byte first (0800 is 8). Two names contain \
            a dot and are written in brackets: claims.sgx.body['attributes.flags'].
            """,
        claims: [
            Claim(
                "header", .object(SGXClaims.header), from: "quote header", "Which kind of quote it is and who made it."),
            Claim("body", .object(SGXClaims.body), from: "quote body, REPORT", "What was measured of the enclave."),
        ] + DCAPClaims.all)
}

/// An SGX quote (version 3).
enum SGXClaims {
    static let header: [Claim] = [
        Claim(
            "version", .hex(2), example: "0300", from: "quote header, offset 0",
            "The version of the quote's format: 0300."),
        Claim(
            "att_key_type", .hex(2), example: "0200", from: "quote header, offset 2",
            "The algorithm of the signature: 0200 is ECDSA on P-256."),
        Claim(
            "att_key_data_0", .hex(4), example: "00000000", from: "quote header, offset 4",
            "What was attested: 00000000 is SGX."),
        Claim(
            "qe_svn", .hex(2), example: "0800", from: "quote header, offset 8",
            "Security version of Intel's quoting enclave, which signed the quote; lowest byte first."),
        Claim(
            "pce_svn", .hex(2), example: "0d00", from: "quote header, offset 10",
            "Security version of Intel's enclave that certified the quoting enclave; lowest byte first."),
        Claim(
            "vendor_id", .hex(16), example: "939a7233f79c4ca9940a0db3957f0607", from: "quote header, offset 12",
            "Who made the quoting enclave: 939a7233f79c4ca9940a0db3957f0607 is Intel."),
        Claim(
            "user_data", .hex(20), example: "dccde9b31ce8860548173bb4a2a57a1600000000", from: "quote header, offset 28",
            "What the owner of the attestation key put there; mostly an identifier of the machine."),
    ]

    static let body: [Claim] = measurements + identity + configuration + reserved

    private static let measurements: [Claim] = [
        Claim(
            "mr_enclave", .hex(32), example: "8f173e4613ff05c52aaf04162d234edae8c9977eae47eb2299ae16a553011c68",
            from: "MRENCLAVE (body offset 64)", "Measurement of the enclave's code and data: exactly this program."),
        Claim(
            "mr_signer", .hex(32), example: "83d719e77deaca1470f6baf62a4d774303c899db69020f9c70ee1dfc08c7ce9e",
            from: "MRSIGNER (body offset 128)",
            "SHA-256 of the key that signed the enclave: any program of this author."),
        Claim(
            "report_data", .hex(64), example: .string(String(repeating: "74657374", count: 16)),
            from: "REPORTDATA (body offset 320)",
            "What the enclave had signed: the digest over nonce and key that the broker has checked."),
    ]

    private static let identity: [Claim] = [
        Claim(
            "isv_prod_id", .hex(2), example: "0000", from: "ISVPRODID (body offset 256)",
            "The author's number for the product; lowest byte first."),
        Claim(
            "isv_svn", .hex(2), example: "0200", from: "ISVSVN (body offset 258)",
            "The author's security version of the enclave; lowest byte first."),
        Claim(
            "isv_ext_prod_id", .hex(16), example: "00000000000000000000000000000000",
            from: "ISVEXTPRODID (body offset 32)",
            "The author's longer identifier of the product."),
        Claim(
            "isv_family_id", .hex(16), example: "00000000000000000000000000000000",
            from: "ISVFAMILYID (body offset 304)",
            "The author's identifier of a family of products."),
        Claim(
            "config_id", .hex(64), example: .string(String(repeating: "0", count: 128)),
            from: "CONFIGID (body offset 192)",
            "An identifier that the host gave at start, with Confidential Containers the digest of the init-data."),
        Claim(
            "config_svn", .hex(2), example: "0000", from: "CONFIGSVN (body offset 260)",
            "The version of that configuration; lowest byte first."),
    ]

    private static let configuration: [Claim] = [
        Claim(
            "cpu_svn", .hex(16), example: "06060c0cffff00000000000000000000", from: "CPUSVN (body offset 0)",
            "Security version of the processor and its microcode; opaque, compare tcb_status instead."),
        Claim(
            "attributes.flags", .hex(8), example: "0500000000000000", from: "ATTRIBUTES.FLAGS (body offset 48)",
            "What the enclave is allowed to do, as bits: 0 initialised, 1 debug, 2 64-bit, 4 provisioning key, 5 launch key, 7 key separation."
        ),
        Claim(
            "attributes.xfrm", .hex(8), example: "e700000000000000", from: "ATTRIBUTES.XFRM (body offset 56)",
            "Which extended processor features the enclave may use."),
        Claim(
            "misc_select", .hex(4), example: "01000000", from: "MISCSELECT (body offset 16)",
            "Which further information about faults the enclave gets."),
    ]

    private static let reserved: [Claim] = [
        zeros("reserved1", 12, "body offset 20"), zeros("reserved2", 32, "body offset 96"),
        zeros("reserved3", 32, "body offset 160"), zeros("reserved4", 42, "body offset 262"),
    ]

    private static func zeros(_ name: String, _ count: Int, _ source: String) -> Claim {
        Claim(
            name, .hex(count), example: .string(String(repeating: "0", count: 2 * count)), from: source,
            "Reserved, zero.")
    }
}
