import Encodings
import EvidenceSimulator
import Glibc
import GuestTestSupport
import Synchronization
import TestInput
import Testing

@testable import Guest

@Suite("Evidence of TDX trust domains")
struct TDXAttesterTests {
    private func kernel() -> SimulatedKernel {
        let kernel = SimulatedKernel()
        kernel.put(SimulatedTSM("tdx_guest") { ([0x51] + $0.data, []) }, at: SimulatedTSM.path)
        return kernel
    }

    @Test("GC 9.A.15: a quote over padded data, and null where nothing was logged")
    func quote() async throws {
        let attester = TDXAttester(kernel: kernel(), eventLog: FirmwareEventLog(kernel: kernel()))
        let evidence = try await attester.evidence(reportData: [1, 2])
        #expect(evidence.objectValue?.names == ["cc_eventlog", "quote"])
        #expect(evidence["cc_eventlog"]?.isNull == true)
        #expect(evidence["quote"] == .base64([0x51, 1, 2] + .zeros(62)))
    }

    @Test("the firmware's log ends with its last whole record, the agent's events follow, then the end marker")
    func eventLog() throws {
        let log = SimulatedEventLog().encoded
        let records = Array(log.dropLast(64))
        let real = try Vectors.bytes("eventlog/tdx-ccel-direct-kernel.bin")
        for (table, end) in [
            (log, records.count), (records, records.count), (records + .zeros(5000), records.count),
            (records + [1, 0, 0, 0], records.count), (real, real.count - 64), (Array(real.dropLast(70)), nil),
        ] {
            let kernel = SimulatedKernel()
            kernel.put(.file(table), at: FirmwareEventLog.ccel)
            let bytes = try #require(
                try FirmwareEventLog(kernel: kernel) { () throws(GuestError) in [0xAA, 0xEE] }.bytes())
            let kept = bytes.count - 10
            #expect(bytes.suffix(10) == [0xAA, 0xEE] + [UInt8](repeating: 0xFF, count: 8))
            #expect(bytes[..<kept] == table[..<kept])
            if let end { #expect(kept == end) } else { #expect(kept < table.count) }
        }
    }

    @Test("events of the agent alone come behind a declaration of their algorithms")
    func agentEventsAlone() throws {
        let agent = SimulatedEventLog([.agent("a b c")])
        let events = Array(agent.encoded.dropFirst(65).dropLast(64))
        let bytes = try FirmwareEventLog(kernel: SimulatedKernel()) { () throws(GuestError) in events }.bytes()
        let whole = try #require(bytes)
        #expect(whole.count == 69 + events.count + 8)
        #expect(FirmwareEventLog.recordsEnd(whole) == 69 + events.count)
    }

    @Test("an event that is measured while the quote is made leads to another quote")
    func eventInBetween() async throws {
        let source = ChangingLog(changes: 1)
        let tsm = SimulatedTSM("tdx_guest") { ($0.data, []) }
        let kernel = SimulatedKernel()
        kernel.put(tsm, at: SimulatedTSM.path)
        let evidence = try await TDXAttester(kernel: kernel, eventLog: source).evidence(reportData: [1])
        #expect(evidence["cc_eventlog"] == .base64([1]))
        #expect(kernel.calls.filter { $0.hasPrefix("mkdir") }.count == 2)
        await #expect(throws: GuestError.self) {
            try await TDXAttester(kernel: kernel, eventLog: ChangingLog(changes: .max)).evidence(reportData: [1])
        }
    }

    @Test("GC 9.A.14: the report of the TDX module, and the registers that stand for PCRs")
    func tdReport() throws {
        let report = try TDReport(parsing: Vectors.bytes("tdx/tdx_report_1.bin"))
        let first = Hex.encode(report.runtimeRegister(forPCR: 1))
        #expect(first.hasPrefix("f4ec1a04") && first.hasSuffix("abdc"))
        let second = Hex.encode(report.runtimeRegister(forPCR: 2))
        #expect(second.hasPrefix("4e5f8826") && second.hasSuffix("b14c"))
        #expect(report.runtimeRegister(forPCR: 8) == .zeros(48))
        #expect(report.runtimeRegister(forPCR: 16) == .zeros(48))
        #expect(
            (0...17).map { TDReport.registerIndex(forPCR: $0) } == [3, 0, 1, 1, 1, 1, 1, 0] + [2, 2, 2, 2, 2, 2, 2, 2]
                + [3, 3])
        for size in [0, 1023, 1025] {
            #expect(throws: GuestError.self) { try TDReport(parsing: .zeros(size)) }
        }
    }

    @Test("the report of the TDX module is asked for byte for byte")
    func tdReportRequest() throws {
        let bytes = try Vectors.bytes("tdx/tdx_report_1.bin")
        let device = SimulatedDevice { request throws(GuestError) in
            request.number == 0xC440_5401 && request.argument == .zeros(1088)
                ? DeviceAnswer(argument: .zeros(64) + bytes) : request.unknown
        }
        let kernel = SimulatedKernel()
        kernel.put(.device(device), at: "/dev/tdx_guest")
        #expect(try TDReport.current(of: kernel) == TDReport(parsing: bytes))
        kernel.put(
            .device(SimulatedDevice { request throws(GuestError) in request.refused(EIO) }), at: "/dev/tdx_guest")
        #expect { try TDReport.current(of: kernel) } throws: { ($0 as? GuestError)?.systemError == EIO }
    }

    @Test("event logs of any bytes end within themselves")
    func fuzz() {
        var random = SeededGenerator(seed: 0xCCE1)
        let good = SimulatedEventLog().encoded
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            #expect(FirmwareEventLog.recordsEnd(bytes) <= bytes.count)
        }
    }
}

/// A log that is another one each time until it has changed so often.
private final class ChangingLog: EventLogSource {
    private let changes: Int
    private let reads = Mutex(0)

    init(changes: Int) { self.changes = changes }

    func bytes() throws(GuestError) -> [UInt8]? {
        reads.withLock { reads in
            defer { reads += 1 }
            return [UInt8(truncatingIfNeeded: min(reads, changes))]
        }
    }
}
