import Encodings
import EvidenceSimulator
import KBSProtocol
import TestInput
import Testing
import Verification

@testable import Guest

@Suite("Event logs in evidence")
struct EventLogTextTests {
    private static let table = "/sys/firmware/acpi/tables/data/CCEL"
    private static let runtime = RuntimeMeasurements.usualPath
    private static let boot = SimulatedEventLog().encoded

    private func log(_ files: [String: [UInt8]]) throws -> [UInt8]? {
        try ConfidentialEventLog(kernel: SimulatedTrustDomainKernel(files)).bytes()
    }

    private func entry() throws -> [UInt8] {
        try RuntimeEvent(domain: "domain", operation: "operation", content: "content").entry(register: 4, .sha384)
    }

    @Test("without firmware's table and without events there is no log")
    func none() throws {
        #expect(try log([:]) == nil)
    }

    @Test("firmware's table is trimmed at its end mark of ones or zeros, and the agent's events follow")
    func both() throws {
        let whole = Array(Self.boot.dropLast(64))
        let mark = [UInt8](repeating: 0xFF, count: 8)
        for room in [mark, mark + [1, 2, 3], [UInt8](repeating: 0, count: 4096), []] as [[UInt8]] {
            let both = try log([Self.table: whole + room, Self.runtime: entry()])
            #expect(try both == whole + entry() + mark)
            #expect(try log([Self.table: whole + room]) == whole + mark)
        }
        let parsed = try EventLog.parse(try #require(log([Self.table: Self.boot, Self.runtime: entry()])))
        #expect(parsed.events.count == SimulatedEventLog().events.count + 1)
    }

    @Test("without a table the agent's events come behind a declaration of 69 bytes, which verifiers read")
    func declaration() throws {
        let bytes = try #require(log([Self.runtime: entry()]))
        #expect(bytes.count == 69 + (try entry().count) + 8)
        #expect(
            Hex.encode(bytes.prefix(69)) == "00000000" + "03000000" + String(repeating: "00", count: 20) + "25000000"
                + Hex.encode(Array("Spec ID Event03\0".utf8)) + "00000000" + "00020002" + "02000000" + "0c003000"
                + "12002000" + "00")
        let parsed = try EventLog.parse(bytes)
        #expect(parsed.events.map(\.index) == [4])
        #expect(parsed.events[0].digestMatchesEvent)
    }

    @Test("a table that is cut, of unknown digests or too large is no log, and neither is a log that nobody reads")
    func wrong() throws {
        let whole = Array(Self.boot.dropLast(64))
        for cut in [0, 10, 31, 40, 70, whole.count - 1] {
            #expect(throws: GuestError.self, "cut at \(cut)") {
                try log([Self.table: Array(whole.prefix(cut)) + (cut == 0 ? [1] : [])])
            }
        }
        var unknown = whole
        unknown[65 + 12] = 0x77
        #expect(throws: GuestError.self) { try log([Self.table: unknown]) }
        #expect(throws: GuestError.self) {
            try log([Self.table: whole, Self.runtime: [UInt8](repeating: 1, count: 1_048_577)])
        }
        #expect(throws: GuestError.self) {
            try log([Self.table: whole, Self.runtime: [UInt8](repeating: 1, count: 1_048_500)])
        }
    }

    @Test("random tables are refused or trimmed to what is read, and nothing traps")
    func random() throws {
        var generator = SeededGenerator(seed: 0x6363_656C)
        for _ in 0..<2000 {
            var bytes = Self.boot
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)))
            let log = try? EventLogText.joined(platform: bytes, runtime: nil, declaring: [.sha384])
            if let log { #expect(log.suffix(8).allSatisfy { $0 == 0xFF } && log.count <= bytes.count + 8) }
            _ = EventLogText.isWhole(bytes)
        }
    }
}
