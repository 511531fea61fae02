extension ClaimFamily {
    static let sample = ClaimFamily(
        tee: .sample, title: "Sample attester",
        about:
            "Made up for trying things out: nothing is signed, and anybody can state anything. Brokers refuse it unless told otherwise.",
        claims: [
            Claim(
                "svn", .decimalText, example: "1", from: "evidence, svn",
                "A security version, as a text; convert with int(claims.sample.svn)."),
            Claim("launch_digest", .text, example: "abcde", from: "always abcde", "Stands for a launch measurement."),
            Claim(
                "platform_version",
                .object([
                    Claim(
                        "major", .integer(upTo: 255), example: 1, from: "always 1",
                        "Stands for the machine's major version."),
                    Claim(
                        "minor", .integer(upTo: 255), example: 4, from: "always 4",
                        "Stands for the machine's minor version."),
                ]), from: "made up", "Stands for the version of the machine's firmware."),
            Claim("debug", .boolean, example: false, from: "always false", "Stands for the switch of a debug guest."),
        ])

    static let sampleDevice = ClaimFamily(
        tee: .sampledevice, title: "Sample device",
        about: "The device counterpart of the sample attester, of class gpu. Nothing is signed.",
        claims: [
            Claim("svn", .decimalText, example: "2", from: "evidence, svn", "A security version, as a text.")
        ])
}
