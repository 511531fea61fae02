import Encodings

extension ClaimFamily {
    static let nvidia = ClaimFamily(
        tee: .nvidia, title: "NVIDIA GPU and NVSwitch",
        about: """
            Devices beside the VM that uses them; of class gpu or switch, and ppcie for the summary of a checked set of \
            both. The broker makes its own claims (arch, measurements, config) and, from its own checks, those of NVIDIA's \
            attestation service NRAS (names that begin with x-nvidia, written in brackets), save the ones of the \
            service's token. A device proves nothing without the VM that it was attested with.
            """,
        claims: NVIDIAClaims.local + NVIDIAClaims.result + NVIDIAClaims.gpu + NVIDIAClaims.networkSwitch
            + NVIDIAClaims.token + NVIDIAClaims.topology)

    static let nvidiaDPU = ClaimFamily(
        tee: .nvidiaDPU, title: "NVIDIA BlueField DPU",
        about: "A network card with processors of its own, attested by its DICE certificates; of class nvidia-dpu.",
        claims: [
            Claim(
                "device_serial", .text, example: "MT2251XZ02TP", from: "DeviceID certificate, subject serial number",
                "The serial number of the card."),
            Claim(
                "device_class", .text, example: "bluefield3", from: "DeviceID certificate, subject common name",
                "The kind of card."),
            Claim(
                "firmware_layers_count", .integer(upTo: 255), example: 4,
                from: "alias certificate, TcbInfo (2.23.133.5.4.1)",
                "How many layers of firmware were measured."),
            Claim(
                "accumulated_fwid", .hex(48),
                example:
                    "1d040fdc3c8de3d8afbcebb79bf3a9ec09a277651b7ace16627f6201c90414d9917b57a7bd67482b1929c9ec0bd1a15d",
                from: "SHA-384 over the FWIDs of TcbInfo, in order", "One digest over all layers of firmware."),
            Claim(
                "alias_timestamp", .unixTime, example: 1_767_225_600, from: "alias certificate, notBefore",
                "When the card made the certificate of its present firmware, which is when it started."),
            Claim(
                "session_nonce", .hex(nil), example: "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb",
                from: "the report data that the broker expected", "What the card signed to show that it answers now."),
        ])
}

/// What is known of NVIDIA devices, by who looked at them.
enum NVIDIAClaims {
    static let local: [Claim] = [
        Claim("arch", .text, .sometimes, example: "HOPPER", from: "evidence, arch", "The generation of the device."),
        Claim(
            "uuid", .text, .sometimes, example: "GPU-11111111-2222-3333-4444-555555555555", from: "evidence, uuid",
            "The driver's identifier of the device; not signed."),
        Claim(
            "measurements", .map(.hex(48)), .sometimes,
            example: [
                "10": "059b32e712a153f490dbfb7976a9e275d789e28bd4803c357def2b6123327c430526bfaecc200f496d4e149fc5eade03"
            ], from: "SPDM report, measurement blocks",
            "The registers of the device, by their number from 1, as text."),
        Claim(
            "config", .object(config), .sometimes, from: "SPDM report, opaque data",
            "Versions and settings of the device."),
    ]

    private static let config: [Claim] = [
        opaque("driver_version", .text, "550.90.07", 3, "The version of the driver."),
        opaque("vbios_version", .text, "96.00.9f.00.01", 6, "The version of the device's firmware."),
        opaque(
            "fwid", .hex(48),
            "f5c384aebb579217a2c66b17ed0f28e6a9b8d639041acd7b4721cec004f7275494ba94bb5cdfdb3055ee051762b1f75d", 20,
            "Digest of the device's first firmware; the device's certificate names the same."),
        opaque("board_id", .hex(nil), "b1030000", 14, "The kind of board."),
        opaque("chip_sku", .text, "882", 15, "The kind of chip."),
        opaque("chip_sku_mod", .text, "0", 16, "The variant of the chip."),
        opaque("project", .text, "1010", 17, "The maker's number of the product."),
        opaque("project_sku", .text, "0200", 18, "The kind within the product."),
        opaque("project_sku_mod", .text, "0000", 19, "The variant within the product."),
        opaque(
            "gpu_info", .hex(nil), "8001000000000000", 4, "Further facts about the device, in the maker's own form."),
        opaque(
            "cpr_info", .hex(nil), "00c00100", 13, "Which memory of the device is protected, in the maker's own form."),
        opaque("nvdec0_status", .text, "U", 11, "Whether the video decoder is on."),
        opaque("protected_pcie_status", .text, "U", 21, "Whether traffic between devices is protected."),
        Claim(
            "measurement_count", .map(.integer(upTo: 4_294_967_295)), example: ["10": 1],
            from: "SPDM opaque data, field 12", "How often each register was extended, by its number."),
    ]

    private static func opaque(
        _ name: String, _ type: ClaimType, _ example: JSONValue, _ field: Int, _ meaning: String
    ) -> Claim {
        Claim(name, type, example: example, from: "SPDM opaque data, field \(field)", meaning)
    }

    /// What NRAS says of GPUs and switches alike.
    static let result: [Claim] = [
        nras(
            "measres", .text, "success",
            "Whether the registers are those that NVIDIA published: success, or not-run where a manifest is missing."),
        nras("secboot", .nullable(.boolean), true, "Whether the device started with secure boot."),
        nras("dbgstat", .nullable(.text), "disabled", "Whether the device can be debugged: disabled is what you want."),
        nras("hwmodel", .nullable(.text), "GH100 A01 GSP BROM", "The model of the chip."),
        nras(
            "ueid", .text, "478176379286082186618948445787393647364802107249", "This very device, as a decimal number."),
        nras("oemid", .nullable(.text), "5703", "The maker's number; 5703 is NVIDIA."),
        nras(
            "x-nvidia-attestation-warning", .nullable(.text), .null,
            "A warning of the service, such as a certificate on hold; null when there is none."),
        nras(
            "x-nvidia-overall-att-result", .boolean, true, "Whether the service accepted the evidence as a whole."),
    ]

    static let gpu: [Claim] =
        report("gpu") + [
            nras("x-nvidia-gpu-driver-version", .text, "550.90.07", "The version of the driver."),
            nras("x-nvidia-gpu-vbios-version", .text, "96.00.9F.00.01", "The version of the device's firmware."),
            nras(
                "x-nvidia-gpu-vbios-index-no-conflict", .boolean, true,
                "Whether no register is described both by the driver's and by the firmware's values."),
        ] + manifest("gpu-driver", "the driver") + manifest("gpu-vbios", "the firmware")

    static let networkSwitch: [Claim] =
        report("switch") + [
            nras("x-nvidia-switch-bios-version", .text, "96.10.55.00.01", "The version of the switch's firmware.")
        ] + manifest("switch-bios", "the switch's firmware")

    /// The service's token around the claims.
    static let token: [Claim] = [
        nras("iss", .text, "https://nras.attestation.nvidia.com", "Who signed the claims."),
        nras("jti", .text, "833480c9-6796-4fe4-b6ad-e9a58d7a67b2", "The identifier of the service's answer."),
        nras("iat", .unixTime, 1_749_601_858, "When the service answered."),
        nras("nbf", .unixTime, 1_749_601_858, "From when on the answer holds."),
        nras("exp", .unixTime, 1_749_605_458, "Until when the answer holds."),
        nras(
            "eat_nonce", .hex(32), "931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb",
            "What the device signed to show that it answers now."),
    ]

    /// The summary of eight GPUs and four switches that know each other.
    static let topology: [Claim] = [
        Claim(
            "gpu_count", .integer(upTo: 255), .sometimes, example: 8, from: "the checked set (class ppcie)",
            "How many GPUs belong to the set."),
        Claim(
            "switch_count", .integer(upTo: 255), .sometimes, example: 4, from: "the checked set (class ppcie)",
            "How many switches belong to the set."),
    ]

    private static func nras(_ name: String, _ type: ClaimType, _ example: JSONValue, _ meaning: String) -> Claim {
        Claim(name, type, .sometimes, example: example, from: "NRAS claim \(name)", meaning)
    }

    private static func report(_ device: String) -> [Claim] {
        let prefix = "x-nvidia-\(device)-attestation-report"
        let who = device == "gpu" ? "GPU" : "switch"
        return [
            nras(
                "x-nvidia-\(device)-arch-check", .boolean, true,
                "Whether the \(who) is of the generation that it claims."),
            nras("\(prefix)-parsed", .boolean, true, "Whether the \(who)'s report could be read."),
            nras("\(prefix)-nonce-match", .boolean, true, "Whether the \(who)'s report answers this very request."),
            nras(
                "\(prefix)-signature-verified", .boolean, true, "Whether the signature of the \(who)'s report is right."
            ),
            chain("\(prefix)-cert-chain", "The certificates of the \(who)'s signing key."),
            nras(
                "\(prefix)-cert-chain-fwid-match", .boolean, true,
                "Whether the \(who)'s certificate names the firmware that the report names."),
        ]
    }

    /// A reference integrity manifest: the register values that NVIDIA published for a version.
    private static func manifest(_ part: String, _ what: String) -> [Claim] {
        let prefix = "x-nvidia-\(part)-rim"
        return [
            nras("\(prefix)-fetched", .boolean, true, "Whether NVIDIA's values for \(what) were found."),
            nras("\(prefix)-schema-validated", .boolean, true, "Whether the values for \(what) have the right form."),
            nras("\(prefix)-signature-verified", .boolean, true, "Whether NVIDIA signed the values for \(what)."),
            nras("\(prefix)-version-match", .boolean, true, "Whether they are for the version of \(what) that runs."),
            nras("\(prefix)-measurements-available", .boolean, true, "Whether they hold register values for \(what)."),
            chain("\(prefix)-cert-chain", "The certificates of the key that signed the values for \(what)."),
        ]
    }

    private static func chain(_ name: String, _ meaning: String) -> Claim {
        Claim(
            name,
            .object([
                nras(
                    "x-nvidia-cert-status", .text, "valid",
                    "Whether the chain of certificates is right: valid, or expired."),
                nras(
                    "x-nvidia-cert-ocsp-status", .nullable(.text), "good",
                    "Whether any of them was revoked: good, or null where nobody answers for them."),
                nras(
                    "x-nvidia-cert-expiration-date", .nullable(.time), "2026-06-01T02:08:29Z",
                    "When the first of them ends."),
                nras(
                    "x-nvidia-cert-revocation-reason", .nullable(.text), .null,
                    "Why one was revoked; null when none was."),
            ]), .sometimes, from: "NRAS claim \(name)", meaning)
    }
}
