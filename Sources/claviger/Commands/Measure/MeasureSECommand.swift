import ArgumentParser
import Encodings
import Measurement

struct MeasureSECommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "se", abstract: "What identifies an IBM Secure Execution image.",
        discussion: """
            Reads the header of a built image, or a header alone: its tag, the digests over pages, addresses and tweaks, \
            and the hashes of the host keys that can open it.
            """)

    @Argument(help: "The image, or its header.")
    var image: String

    @OptionGroup var output: MeasureOutputOptions

    func run() throws { try output.print(report(), command: "se") }

    func report() throws -> MeasureReport {
        var report = MeasureReport()
        let header = try SecureExecutionHeader(in: report.open(image, as: "image"))
        report.values = [
            .init("se_tag", header.tag, "tag of the Secure Execution header"),
            .init("se_page_list_digest", header.pageListDigest, "digest over the image's pages"),
            .init("se_address_list_digest", header.addressListDigest, "digest over the pages' addresses"),
            .init("se_tweak_list_digest", header.tweakListDigest, "digest over the pages' tweaks"),
        ]
        report.values += header.hostKeyHashes.map {
            .init("se_image_phkh", $0, "hash of a host key that opens the image")
        }
        return report
    }
}
