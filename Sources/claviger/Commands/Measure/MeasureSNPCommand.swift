import ArgumentParser
import Encodings
import Measurement

struct MeasureSNPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snp", abstract: "The launch measurement of an AMD SEV-SNP guest.",
        discussion: """
            With --svsm, of a guest whose service module runs below the firmware. With --id-block and --auth-block the \
            signatures of these are checked, that they are for this measurement, and the digests of their keys printed \
            with it.
            """)

    @OptionGroup var firmware: FirmwareOptions
    @OptionGroup var boot: BootOptions
    @OptionGroup var processors: ProcessorOptions

    @Option(help: "SEV_FEATURES: 0x1, or 0x21 with debug swap.")
    var guestFeatures = NumberArgument(SNPLaunch.defaultFeatures)

    @Option(help: "A service module (SVSM) for below the firmware.")
    var svsm: String?

    @Option(help: "The size in bytes of the room for variables between service module and firmware.")
    var variableStoreSize = ServiceModule.defaultVariableStoreSize

    @Option(help: "The digest of the whole firmware, where --firmware is only the end of it, with its table.")
    var firmwareDigest: String?

    @Option(help: "The guest's ID block, 96 bytes.")
    var idBlock: String?

    @Option(help: "The ID authentication block that goes with --id-block, 4096 bytes.")
    var authBlock: String?

    @OptionGroup var output: MeasureOutputOptions

    func validate() throws {
        if authBlock != nil, idBlock == nil { throw ValidationError("--auth-block goes with --id-block") }
        if svsm != nil, boot.kernel != nil {
            throw ValidationError("a service module takes no --kernel: it would start any")
        }
        if let firmwareDigest, (try? Hex.decode(firmwareDigest))?.count != 48 {
            throw ValidationError("--firmware-digest has 96 hexadecimal digits")
        }
    }

    func run() throws { try output.print(report(), command: "snp") }

    func report() throws -> MeasureReport {
        var report = MeasureReport()
        let image = try firmware.image(&report)
        let content = try content(image, &report)
        let launch = try SNPLaunch(
            content, processors: processors.processors(&report), features: guestFeatures.value)
        report.settings.append("SEV features \(guestFeatures.value.hexadecimal)")
        if let firmwareDigest { report.settings.append("whole firmware \(firmwareDigest)") }
        let measurement = try launch.measurement(firmwareDigest: firmwareDigest.map { try Hex.decode($0) })
        report.values.append(.init("snp_launch_measurement", measurement, "launch measurement of SEV-SNP"))
        try addIdentity(of: measurement, to: &report)
        return report
    }

    private func content(_ image: FirmwareImage, _ report: inout MeasureReport) throws -> SNPLaunch.Content {
        guard let svsm else { return .firmware(image, try boot.hashes(&report)) }
        let module = try report.read(svsm, as: "service module", limit: FirmwareImage.maximumSize)
        report.settings.append("\(variableStoreSize) bytes for variables")
        return .serviceModule(try ServiceModule(module, below: image, variableStoreSize: variableStoreSize))
    }

    private func addIdentity(of measurement: [UInt8], to report: inout MeasureReport) throws {
        guard let idBlock else { return }
        let block = try SNPIdentityBlock(parsing: report.read(idBlock, as: "ID block", limit: 4096))
        guard block.launchDigest == measurement else {
            throw CommandFailure(
                "\(idBlock) is for the launch measurement \(Hex.encode(block.launchDigest)), and this is \(Hex.encode(measurement))"
            )
        }
        guard let authBlock else { return }
        let authentication = try SNPIdentityAuthentication(
            parsing: report.read(authBlock, as: "authentication block", limit: 8192))
        guard authentication.vouches(for: block) else {
            throw CommandFailure("the signatures in \(authBlock) are not for \(idBlock)")
        }
        report.values.append(
            .init("snp_id_key_digest", authentication.idKey.digest, "digest of the key that signed the ID block"))
        if let author = authentication.authorKey {
            report.values.append(
                .init("snp_author_key_digest", author.digest, "digest of the key that signed the ID key"))
        }
    }
}
