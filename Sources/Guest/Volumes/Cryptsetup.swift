import Encodings

/// The calls of cryptsetup that volumes need. Keys go through standard input.
enum Cryptsetup {
    /// Memory-hard, but bounded: 64 MiB, where cryptsetup's own choice can be more than a small guest has.
    private static let derivation = [
        "--pbkdf", "argon2id", "--pbkdf-force-iterations", "4", "--pbkdf-memory", "65536", "--pbkdf-parallel", "1",
    ]

    /// Formats a volume whose header is written to a file, not to the device.
    ///
    /// - Parameter dataOffset: where the data begin on the device, in bytes.
    static func format(
        _ device: String, header: String, dataOffset: Int, integrity: Bool, key: SecretBytes
    ) async throws(GuestError) {
        var arguments = [
            "--batch-mode", "luksFormat", "--type", "luks2", "--cipher", "aes-xts-plain64", "--key-size", "512",
            "--sector-size", "4096", "--header", header, "--offset", "\(dataOffset / 512)",
        ]
        arguments += derivation
        if integrity {
            arguments += ["--integrity", "hmac-sha256", "--integrity-no-wipe", "--integrity-no-journal"]
        }
        try await run(arguments + [device, "-"], key, "The volume on \(device) could not be formatted")
    }

    /// Puts a token into a header.
    static func importToken(_ token: [UInt8], header: String) async throws(GuestError) {
        let arguments = ["--batch-mode", "token", "import", "--json-file", "-", header]
        try await run(arguments, SecretBytes(token), "The volume's header could not be sealed")
    }

    /// Opens a volume below /dev/mapper.
    static func open(
        _ device: String, header: String, name: String, journal: Bool, readOnly: Bool, key: SecretBytes
    ) async throws(GuestError) {
        var arguments = ["--batch-mode", "open", "--type", "luks2", "--key-file", "-", "--header", header]
        if !journal { arguments.append("--integrity-no-journal") }
        if readOnly { arguments.append("--readonly") }
        try await run(arguments + [device, name], key, "The volume on \(device) could not be opened")
    }

    /// Checks that a key opens a header, without opening the volume.
    static func test(_ device: String, header: String, key: SecretBytes) async throws(GuestError) {
        let arguments = [
            "--batch-mode", "open", "--type", "luks2", "--test-passphrase", "--key-file", "-", "--header", header,
            device,
        ]
        try await run(arguments, key, "The volume on \(device) could not be opened")
    }

    /// Closes a volume, with the integrity device beneath.
    static func close(_ name: String) async throws(GuestError) {
        try await run(["--batch-mode", "close", name], nil, "The volume \(name) could not be closed")
    }

    private static func run(_ arguments: [String], _ input: SecretBytes?, _ failure: String) async throws(GuestError) {
        let outcome = try await SystemTool.cryptsetup.run(arguments, input: input)
        switch outcome.status {
        case 0: return
        case 2: throw GuestError(.undecryptable, "\(failure): the key is not the right one.")
        case 5: throw GuestError(.volume, "\(failure): it is in use, or the mapper name is taken.")
        default: throw GuestError(.volume, "\(failure): \(outcome.reason)")
        }
    }
}
