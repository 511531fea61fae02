import Encodings
import Foundation
import Policy
import Testing

@testable import claviger

/// Holds docs/measurements.md to what the commands in it print.
@Suite("The page on measurements")
struct MeasurementsPageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private let scratch: Scratch
    private let page: String

    init() throws {
        scratch = try Scratch()
        var page = try String(contentsOf: Self.root.appending(path: "docs/measurements.md"), encoding: .utf8)
        // The way to a released key is followed as a whole, with a broker at its end: see the broker's tests.
        let start = try #require(page.range(of: "## From a kernel and firmware on disk")).lowerBound
        page.removeSubrange(start..<(try #require(page.range(of: "## What is measured")).lowerBound))
        self.page = page
        try Data().write(to: URL(filePath: scratch.path + "/vmlinuz"))
    }

    @Test("each command prints what stands below it")
    func commands() throws {
        var printed = 0
        for block in page.components(separatedBy: "```sh\n").dropFirst() {
            let text = block.components(separatedBy: "```")[0].replacing(" \\\n", with: " ")
            for step in text.components(separatedBy: "$ ").dropFirst() {
                let lines = step.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
                guard let command = lines.first, command.hasPrefix("claviger measure "), !command.contains(" > ") else {
                    continue
                }
                let output = try report(command).text.split(separator: "\n").map(String.init)
                // A line of dots stands for what the page leaves out.
                let expected = lines.dropFirst().prefix { $0 != "…" }
                #expect(Array(output.prefix(expected.count)) == Array(expected), "\(command)")
                if expected.count == lines.count - 1 { #expect(output.count == expected.count, "\(command)") }
                printed += 1
            }
        }
        #expect(printed == 4)
    }

    @Test("the document is the one that its command writes, save for the time")
    func document() throws {
        let block = try #require(page.components(separatedBy: "```yaml\n").dropFirst().first)
        let shown = try PolicyParser.parse(block.components(separatedBy: "```")[0], source: "page")
        let text = page.replacing(" \\\n", with: " ")
        let line = try #require(text.split(separator: "\n").first { $0.contains(" > payments-guest.yaml") })
        let command = try #require(
            MeasureCommand.parseAsRoot(words(String(line.dropFirst(2)).components(separatedBy: " > ")[0]))
                as? MeasureSNPCommand)
        let heading = try MeasureReport.Heading(
            name: #require(command.output.referenceValues), namespace: nil, state: command.output.state.rawValue,
            validUntil: command.output.validUntil, builtBy: "ci-42, with claviger \(Claviger.versionText) measure snp")
        let made = try PolicyParser.parse(command.report().document(heading, now: Date()), source: "made")
        let pages = [shown, made].map { documents -> ReferenceValueEntry? in
            guard case .referenceValues(let spec) = documents.first?.spec else { return nil }
            return spec.values.first
        }
        let (left, right) = (try #require(pages[0]), try #require(pages[1]))
        #expect(left.name == right.name && left.value == right.value && left.state == right.state)
        #expect(left.validUntil == right.validUntil && left.description == right.description)
        #expect(left.provenance?.source == right.provenance?.source)
        #expect(left.provenance?.digest == right.provenance?.digest)
        #expect(left.provenance?.builtBy == right.provenance?.builtBy)
    }

    @Test("the measurements in the table of hypervisors are computed again")
    func hypervisors() throws {
        let rows = page.split(separator: "\n").filter { $0.contains("| `ovmf_AmdSev_suffix.bin` |") }
        #expect(rows.count == 4)
        for row in rows {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) }
            let hypervisor = ["QEMU": "qemu", "EC2": "ec2", "Google": "gce"][cells[0]] ?? ""
            let command =
                "claviger measure snp --firmware Tests/MeasurementTests/Vectors/snp-measure/\(cells[1]) --kernel vmlinuz "
                + "--vcpu-type EPYC-v4 --vmm \(hypervisor) --guest-features \(cells[2])"
            #expect(try report(command).text == cells[3], "\(row)")
        }
    }

    private func report(_ command: String) throws -> MeasureReport {
        switch try MeasureCommand.parseAsRoot(words(command)) {
        case let command as MeasureSNPCommand: return try command.report()
        case let command as MeasureTDXCommand: return try command.report()
        case let command as MeasureSECommand: return try command.report()
        case let command as MeasurePCRCommand: return try command.report()
        default: throw CommandFailure("the page has a command that is not tested: \(command)")
        }
    }

    /// The arguments behind `claviger measure`, with files where they are.
    private func words(_ command: String) -> [String] {
        var words: [String] = []
        for (index, part) in command.components(separatedBy: "\"").enumerated() {
            if index % 2 == 1 { words.append(part) } else { words += part.split(separator: " ").map(String.init) }
        }
        return words.dropFirst(2).map { word in
            if word.hasPrefix("Tests/") { return Self.root.path + "/" + word }
            return word == "vmlinuz" ? scratch.path + "/vmlinuz" : word
        }
    }
}
