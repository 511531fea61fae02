extension ClaimFamily {
    static let cca = ClaimFamily(
        tee: .cca, title: "Arm CCA",
        about: """
            A confidential VM (realm) on an Arm processor. Two signed tokens: one about the realm, one about the \
            platform beneath it. Names contain hyphens and are written in brackets: \
            claims.cca.realm['cca-realm-initial-measurement'].
            """,
        claims: [
            Claim("realm", .object(CCAClaims.realm), from: "realm token", "What was measured of the realm."),
            Claim(
                "platform", .object(CCAClaims.platform), from: "platform token",
                "Which machine it runs on, and its firmware."),
        ])
}

/// The two tokens of a CCA attestation (RMM specification; numbers are CBOR claim keys).
enum CCAClaims {
    private static let digest = "Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0M="

    static let realm: [Claim] = [
        Claim(
            "cca-realm-initial-measurement", .base64(nil), example: .string(digest), from: "realm token 44238 (RIM)",
            "Launch measurement: the memory and parameters that the realm started with."),
        Claim(
            "cca-realm-extensible-measurements", .list(.base64(nil)),
            example: .array(Array(repeating: .string(digest), count: 4)), from: "realm token 44239 (REM 0 to 3)",
            "Four registers for what was loaded after the start."),
        Claim(
            "cca-realm-personalization-value", .base64(64),
            example: "QURBREFEQURBREFEQURBREFEQURBREFEQURBREFEQURBREFEQURBREFEQURBREFEQURBREFEQURBREFEQURBRA==",
            from: "realm token 44235 (RPV)",
            "A value that the host gave at start, with Confidential Containers the digest of the init-data."),
        Claim(
            "cca-realm-challenge", .base64(64),
            example: "QUJBQkFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQkFCQUJBQg==",
            from: "realm token 10",
            "What the realm had signed: the digest over nonce and key that the broker has checked."),
        Claim(
            "cca-realm-hash-algo-id", .text, example: "sha-256", from: "realm token 44236",
            "The hash algorithm of the realm's measurements."),
        Claim(
            "cca-realm-profile", .text, .sometimes, example: "tag:arm.com,2023:realm#1.0.0", from: "realm token 265",
            "The profile that the realm's token follows; absent in tokens of the first release."),
        Claim(
            "cca-realm-public-key", .base64(nil), .additional,
            example:
                "BIL70TKptcOWh5+7FTQNkFCXjlXHnVJ5oroOlYVPN+IM0vZPO3K1cLvXc+7iznaEJe31Re2+if+v4OlrvUbicPIHlsRIuY2vRqdk0nRC5ubthPjOyBfm7ManHTo959Z+zQ==",
            from: "realm token 44237 (RAK)", "The key that signed the realm's token."),
        Claim(
            "cca-realm-public-key-hash-algo-id", .text, .additional, example: "sha-512", from: "realm token 44240",
            "The hash algorithm by which the platform vouches for that key."),
    ]

    static let platform: [Claim] = [
        Claim(
            "cca-platform-implementation-id", .base64(32), example: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            from: "platform token 2396", "The make of the processor's security system."),
        Claim(
            "cca-platform-instance-id", .base64(33), example: "AQICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC",
            from: "platform token 256", "This very machine, by its attestation key."),
        Claim(
            "cca-platform-lifecycle", .integer(upTo: 65_535), .additional, example: 12_288, from: "platform token 2395",
            "The state of the machine's security: 0x3000 to 0x30FF (12288 to 12543) is secured; anything else is a machine in production, debugging or out of service."
        ),
        Claim(
            "cca-platform-sw-components", .list(.object(component)), .additional, from: "platform token 2399",
            "The firmware that the machine started, part by part."),
        Claim(
            "cca-platform-sw-components-endorsed", .boolean, .additional, example: true,
            from: "the maker's reference values",
            "Whether the firmware is that of a release that the maker endorses; always true unless a setting lets other firmware in."
        ),
        Claim(
            "cca-platform-config-endorsed", .boolean, .additional, example: true, from: "the maker's reference values",
            "Whether that release names the machine's settings, and they are these; false where it says nothing of settings."
        ),
        Claim(
            "cca-platform-config", .base64(nil), .additional, example: "AQID", from: "platform token 2401",
            "The machine's settings that matter for security, in the maker's own form."),
        Claim(
            "cca-platform-profile", .text, .additional, example: "http://arm.com/CCA-SSD/1.0.0",
            from: "platform token 265",
            "The profile that the platform's token follows."),
        Claim(
            "cca-platform-challenge", .base64(nil), .additional,
            example: "AQICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC",
            from: "platform token 10", "Hash of the realm's key: what ties the two tokens together."),
        Claim(
            "cca-platform-hash-algo-id", .text, .additional, example: "sha-256", from: "platform token 2402",
            "The hash algorithm of the firmware's measurements."),
        Claim(
            "cca-platform-service-indicator", .text, .additional,
            example: "https://veraison.example/v1/challenge-response",
            from: "platform token 2400", "Where the maker offers verification; nothing is asked there because of it."),
    ]

    private static let component: [Claim] = [
        Claim(
            "measurement-type", .text, .sometimes, example: "BL", from: "component key 1",
            "Which part of the firmware it is."),
        Claim(
            "measurement-value", .base64(nil), example: "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
            from: "component key 2",
            "Its measurement."),
        Claim(
            "version", .text, .sometimes, example: "3.4.2", from: "component key 4",
            "Its version, as its maker writes it."),
        Claim(
            "signer-id", .base64(nil), example: "BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=", from: "component key 5",
            "Hash of the key that signed it."),
    ]
}
