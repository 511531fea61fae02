import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import Policy
import Storage
import TestPrograms
import Testing
import Verification

@testable import Broker

/// Follows docs/measurements.md from a kernel and firmware on disk to a released key.
@Suite("The way from files to a key in docs/measurements.md", .timeLimit(.minutes(5)))
struct MeasurementsPageTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The blocks of the section, each with its language.
    private static func blocks() throws -> [(language: String, text: String)] {
        let page = try String(contentsOf: repository.appending(path: "docs/measurements.md"), encoding: .utf8)
        let start = try #require(page.range(of: "## From a kernel and firmware on disk")).upperBound
        let end = try #require(page.range(of: "## What is measured")).lowerBound
        let parts = page[start..<end].components(separatedBy: "```")
        return stride(from: 1, to: parts.count, by: 2).map { index in
            let lines = parts[index].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(lines[0]), lines.count > 1 ? String(lines[1]) : "")
        }
    }

    @Test(
        "a guest with the computed digests gets the key, on SEV-SNP and TDX; one with others is told which value it lacks"
    )
    func walk() async throws {
        let reader = try PageReader(repository: Self.repository)
        let blocks = try Self.blocks()
        let policy = try #require(blocks.last { $0.language == "yaml" }).text
        let site = try await SimulatedSite(policies: policy)
        var files = ["machines.yaml", "disk-key.yaml"].makeIterator()
        var explained = false
        for block in blocks {
            switch block.language {
            case "yaml":
                let name = files.next()
                try reader.write(block.text, to: #require(name))
            case "sh":
                for step in PageReader.steps(block.text) {
                    if step.command.hasPrefix("claviger policy apply -f ") {
                        try await apply(step.command, reader, site)
                    } else if step.command.hasPrefix("claviger resource put ") {
                        try await site.test.put("payments/disk/1", "the disk's key")
                        try await requireKey(reader, site)
                    } else {
                        let output = try await reader.run(step.command)
                        if !step.output.isEmpty { #expect(output == step.output, "\(step.command)") }
                    }
                }
            default:
                let other = try reader.lastMeasurement()
                let reason = try await denial(other, site)
                #expect(reason == block.text.trimmingCharacters(in: .newlines))
                #expect(reason.contains("reference('snp_launch_measurement')"))
                #expect(try await names(other, site) == [])
                explained = true
            }
        }
        #expect(explained)
    }

    private func apply(_ command: String, _ reader: PageReader, _ site: SimulatedSite) async throws {
        let names = command.dropFirst("claviger policy apply -f ".count).split(separator: " ").map(String.init)
        #expect(names.count == 4)
        let texts = try names.map { try reader.text($0) }
        _ = try await site.test.broker.applyPolicies(texts.joined(separator: "\n---\n"), dryRun: false, by: "test")
    }

    /// Guests that were started from the files get the key.
    private func requireKey(_ reader: PageReader, _ site: SimulatedSite) async throws {
        let snp = try reader.values("payments-snp.yaml")
        let measurement = try Hex.decode(#require(snp["snp_launch_measurement"]))
        let guest = try SimulatedGuest(SimulatedSNPGuest(site.amd).twin { $0.measurement = measurement })
        let tdx = try reader.values("payments-tdx.yaml")
        var domain = try SimulatedTrustDomain(on: site.platform, eventLog: nil)
        for (field, name) in [
            (TrustDomainReport.Field.launchMeasurement, "mr_td"), (.register1, "rtmr_1"), (.register2, "rtmr_2"),
        ] { domain = domain.twin(field, try Hex.decode(#require(tdx[name]))) }
        for guest in [guest, try SimulatedGuest(domain)] {
            let attestation = try await site.test.attest(guest)
            let message = try await site.test.release("payments/disk/1", cookie: attestation.cookie.value)
            #expect(try guest.key.decrypt(message).copyBytes() == Array("the disk's key".utf8))
        }
        for (values, name) in [(snp, "snp_launch_measurement"), (tdx, "mr_td"), (tdx, "rtmr_2")] {
            #expect(try await names(#require(values[name]), site) == [.string(name)])
        }
    }

    /// What the ledger says about a guest with another measurement.
    private func denial(_ measurement: String, _ site: SimulatedSite) async throws -> String {
        let bytes = try Hex.decode(measurement)
        let guest = try SimulatedGuest(SimulatedSNPGuest(site.amd).twin { $0.measurement = bytes })
        let attestation = try await site.test.attest(guest)
        let error = try await brokerError {
            _ = try await site.test.release("payments/disk/1", cookie: attestation.cookie.value)
        }
        #expect(error?.kind == .denied)
        let decision = try await site.test.broker.decision(#require(error?.decisionID))
        let claims = decision["claims"]?["submodules"]?["cpu0"]?["claims"]
        #expect(claims?["measurement"] == .string(measurement))
        return try #require(decision["reason"]?.stringValue)
    }

    /// The reference values that name a measurement which guests showed.
    private func names(_ measurement: String, _ site: SimulatedSite) async throws -> JSONValue? {
        try await site.test.broker.measurementList(limit: 100)["measurements"]?.arrayValue?
            .first { $0["value"] == .string(measurement) }?["names"]
    }
}

/// Somebody who follows the page in a folder of his own.
private final class PageReader {
    private let folder: URL
    private let environment: [String: String]
    private var last = ""

    init(repository: URL) throws {
        let program = try #require(BuiltProgram("claviger"))
        folder = FileManager.default.temporaryDirectory.appending(path: "claviger-page-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            at: folder.appending(path: "Tests"), withDestinationURL: repository.appending(path: "Tests"))
        let programs = URL(filePath: program.path).deletingLastPathComponent().path
        environment = ["PATH": "\(programs):/usr/bin:/bin", "HOME": folder.path]
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The commands of a block, each with what the page prints below it.
    static func steps(_ block: String) -> [(command: String, output: String)] {
        block.replacing(" \\\n", with: " ").components(separatedBy: "$ ").dropFirst().map { step in
            let lines = step.split(separator: "\n", maxSplits: 1).map(String.init)
            return (lines[0], lines.count > 1 ? lines[1].trimmingCharacters(in: .newlines) : "")
        }
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    /// The values of a document by their names.
    func values(_ name: String) throws -> [String: String] {
        var values: [String: String] = [:]
        for document in try PolicyParser.parse(text(name), source: name) {
            guard case .referenceValues(let spec) = document.spec else { continue }
            for entry in spec.values {
                values[entry.name] = (entry.value.arrayValue?.first ?? entry.value).stringValue
            }
        }
        return values
    }

    func run(_ command: String) async throws -> String {
        let run = try RunningProgram("/bin/sh", ["-c", "cd '\(folder.path)' && \(command)"], environment: environment)
        let status = await run.status()
        #expect(status == 0, "\(command): \(run.errorText)")
        last = run.outputText.trimmingCharacters(in: .newlines)
        return last
    }

    func lastMeasurement() throws -> String {
        try #require(last.count == 96 ? last : nil)
    }
}
