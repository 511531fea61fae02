import Encodings
import Foundation
import Glibc
import KBSProtocol
import Synchronization
import TestInput
import Testing
import Verification

@testable import Guest

@Suite("The log of measured events")
struct RuntimeEventLogTests {
    private let folder = TemporaryFolder()
    private let registers = SimulatedRegisters()
    private var path: String { folder.path + "/log/eventlog" }
    private var ahead: String { "log/.wal_event_entry" }

    private func open() throws -> RuntimeEventLog {
        try RuntimeEventLog(path, registers: registers, usualPCR: 17)
    }

    private func event(_ content: String) throws -> RuntimeEvent {
        try RuntimeEvent(domain: "domain", operation: "operation", content: content)
    }

    /// What the entries so far lead to, by our verifier's reading.
    private func replayed() throws -> [UInt32: [UInt8]] {
        let log = EventLogText.declaration(of: [.sha384, .sm3]) + (try folder.bytes("log/eventlog"))
        return try EventLog.parse(log).replay(.sha384)
    }

    @Test("GC 9.A.9: what is written ahead is the offset, most significant byte first, the expected value and the text")
    func writeAhead() throws {
        let record = WriteAheadRecord(offset: 512, expected: [UInt8](repeating: 0xEE, count: 32), text: "domain op c")
        #expect(Array(record.bytes.prefix(8)) == [0, 0, 0, 0, 0, 0, 2, 0])
        #expect(Array(record.bytes[8..<40]) == record.expected)
        #expect(Array(record.bytes[40...]) == Array("domain op c".utf8))
        #expect(WriteAheadRecord(parsing: record.bytes, digestBytes: 32) == record)
        let other = WriteAheadRecord(offset: 1, expected: record.expected, text: "d o c", register: 3)
        #expect(other.bytes.suffix(7) == Array("d o c\n3".utf8)[...])
        #expect(WriteAheadRecord(parsing: other.bytes, digestBytes: 32) == other)
        for cut in 0..<40 {
            #expect(WriteAheadRecord(parsing: Array(record.bytes.prefix(cut)), digestBytes: 32) == nil)
        }
    }

    @Test("GC 9.A.10: a file is found again as it was left, and can be written anew from the middle")
    func fileAgain() throws {
        let path = folder.path + "/file"
        do {
            let file = try RecordFile(path)
            try file.write([1, 2, 3, 4, 5, 6], at: 0)
            #expect(throws: GuestError.self) { try RecordFile(path) }
        }
        let file = try RecordFile(path)
        #expect(try file.size() == 6)
        try file.write([7], at: 6)
        try file.write([9, 9], at: 3)
        #expect(try file.content(limit: 10) == [1, 2, 3, 9, 9])
        #expect(throws: GuestError.self) { try file.content(limit: 4) }
        #expect(throws: GuestError.self) { try RecordFile(folder.path) }
    }

    @Test(
        "GC 9.A.11: from nothing and from an empty file two events make the expected bytes", arguments: [false, true])
    func twoEvents(isEmptyFileThere: Bool) throws {
        if isEmptyFileThere { try folder.write([], to: "log/eventlog") }
        let log = try open()
        let (first, second) = (try event("content"), try event("more content"))
        try log.record(first, pcr: nil)
        try log.record(second, pcr: nil)
        #expect(
            try folder.bytes("log/eventlog")
                == first.entry(register: 4, .sha384) + second.entry(register: 4, .sha384))
        #expect(try folder.bytes(ahead).isEmpty)
        #expect(try replayed() == registers.values)
    }

    @Test("an entry names the register that was extended, also when a caller asked for another than the usual")
    func rightRegister() throws {
        let log = try open()
        for pcr: UInt64? in [nil, 8, 1, 2, 16, 8] { try log.record(try event("in \(pcr ?? 99)"), pcr: pcr) }
        #expect(Set(registers.values.keys) == [1, 2, 3, 4])
        #expect(try replayed() == registers.values)
    }

    /// The states in which a crash can leave the files, for an event after another, and whether the register was extended.
    private struct Crash {
        var entry: [UInt8]
        var before: [UInt8]
        var record: [UInt8]
        var extended: [UInt32: [UInt8]]
    }

    private func crash(pcr: UInt64?) throws -> Crash {
        let register = pcr.map { registers.logIndex(ofPCR: $0) } ?? 4
        let first = try event("first")
        do { try open().record(first, pcr: nil) }
        let event = try event("second ü")
        let expected = registers.extended(registers.value(at: register), with: event.digest(.sha384))
        let before = try folder.bytes("log/eventlog")
        let record = WriteAheadRecord(
            offset: UInt64(before.count), expected: expected, text: event.text, register: pcr == nil ? nil : register)
        return Crash(
            entry: event.entry(register: register, .sha384), before: before, record: record.bytes,
            extended: registers.values.merging([register: expected]) { $1 })
    }

    @Test("a crash while writing ahead, cut at every byte, drops what was not measured", arguments: [nil, 8])
    func crashBefore(pcr: UInt64?) throws {
        let crash = try crash(pcr: pcr)
        let values = registers.values
        for count in 0...crash.record.count {
            try folder.write(Array(crash.record.prefix(count)), to: ahead)
            _ = try open()
            #expect(try folder.bytes("log/eventlog") == crash.before, "cut at \(count)")
            #expect(try folder.bytes(ahead).isEmpty)
        }
        #expect(registers.values == values)
        try open().record(try event("third"), pcr: pcr)
        #expect(try replayed() == registers.values)
    }

    @Test("a crash after the extension, the entry cut at every byte, finishes the event", arguments: [nil, 8])
    func crashAfter(pcr: UInt64?) throws {
        let crash = try crash(pcr: pcr)
        registers.values = crash.extended
        for count in 0...crash.entry.count {
            try folder.write(crash.record, to: ahead)
            try folder.write(crash.before + crash.entry.prefix(count), to: "log/eventlog")
            _ = try open()
            #expect(try folder.bytes("log/eventlog") == crash.before + crash.entry, "cut at \(count)")
            #expect(try folder.bytes(ahead).isEmpty)
            #expect(try replayed() == registers.values)
        }
        #expect(registers.values == crash.extended)
    }

    @Test("an entry that was begun is finished even when others extended the register since")
    func extendedByOthers() throws {
        let crash = try crash(pcr: nil)
        registers.values = crash.extended
        try registers.extend(at: 4, with: [UInt8](repeating: 1, count: 48))
        try folder.write(crash.record, to: ahead)
        try folder.write(crash.before + crash.entry.prefix(5), to: "log/eventlog")
        _ = try open()
        #expect(try folder.bytes("log/eventlog") == crash.before + crash.entry)
    }

    @Test("a log that is cut, replaced, or shorter than was written ahead is not taken for one that leads somewhere")
    func tampered() throws {
        let crash = try crash(pcr: nil)
        try folder.write(Array(crash.before.dropLast()), to: "log/eventlog")
        #expect { _ = try open() } throws: { ($0 as? GuestError)?.code == .evidence }
        registers.values = crash.extended
        try folder.write(crash.record, to: ahead)
        #expect { _ = try open() } throws: { ($0 as? GuestError)?.code == .evidence }
        try folder.write(crash.before + [1, 2, 3], to: "log/eventlog")
        #expect { _ = try open() } throws: { ($0 as? GuestError)?.code == .evidence }
    }

    @Test("random bytes in both files are refused or mended, and what is kept is a log")
    func randomFiles() throws {
        var generator = SeededGenerator(seed: 0x6161_656C)
        let crash = try crash(pcr: nil)
        for _ in 0..<400 {
            var record = crash.record
            var log = crash.before + crash.entry.prefix(Int.random(in: 0...crash.entry.count, using: &generator))
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                record[Int.random(in: 0..<record.count, using: &generator)] = .random(in: 0...255, using: &generator)
                log[Int.random(in: 0..<log.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            try folder.write(record, to: ahead)
            try folder.write(log, to: "log/eventlog")
            registers.values = Bool.random(using: &generator) ? crash.extended : [:]
            if (try? open()) != nil { #expect(EventLogText.isWhole(try folder.bytes("log/eventlog"))) }
        }
    }

    @Test("an extension that the hardware refuses leaves no trace, and one that it did all the same is in the log")
    func refusedExtension() throws {
        let log = try open()
        registers.fail(.beforehand)
        #expect(throws: GuestError.self) { try log.record(try event("refused"), pcr: nil) }
        #expect(try folder.bytes("log/eventlog").isEmpty && folder.bytes(ahead).isEmpty)
        registers.fail(.afterwards)
        #expect(throws: GuestError.self) { try log.record(try event("done"), pcr: nil) }
        registers.fail(nil)
        try log.record(try event("next"), pcr: nil)
        #expect(try replayed() == registers.values)
        #expect(
            try EventLog.parse(EventLogText.declaration(of: [.sha384]) + folder.bytes("log/eventlog")).events.count == 2
        )
    }

    @Test(
        "a full medium, at any write, costs the event and not the log: the next one is in step again",
        arguments: [[1], [2], [2, 3], [1, 2], [2, 3, 4]], [0, 7])
    func fullMedium(failing: [Int], bytes: Int) throws {
        let medium = FullMedium(failing, after: bytes)
        let log = try RuntimeEventLog(path, registers: registers, usualPCR: 17, put: medium.put)
        for number in failing {
            #expect {
                try log.record(try event("\(number)"), pcr: number == 2 ? 8 : nil)
            } throws: {
                ($0 as? GuestError)?.systemError == ENOSPC
            }
            // What was not measured is not waited for.
            if registers.values.isEmpty { #expect(try folder.bytes(ahead).isEmpty) }
        }
        for content in ["next", "last"] { try log.record(try event(content), pcr: nil) }
        #expect(try replayed() == registers.values)
        #expect(try folder.bytes(ahead).isEmpty)
    }

    @Test("only one agent keeps a log")
    func oneAgent() throws {
        let log = try open()
        #expect {
            _ = try open()
        } throws: {
            ($0 as? GuestError)?.message.contains("another process") == true
        }
        try log.record(try event("c"), pcr: nil)
    }

    @Test("a log that verifiers would refuse to read grows no further, and nothing is measured unseen")
    func full() throws {
        let log = try open()
        let content = String(repeating: "a", count: 16_000)
        for _ in 0..<32 { try log.record(try event(content), pcr: nil) }
        let values = registers.values
        #expect {
            try log.record(try event(content), pcr: nil)
        } throws: {
            ($0 as? GuestError)?.message.contains("full") == true
        }
        #expect(registers.values == values)
    }
}

/// A medium on which some writes, counted from 1, have room for a few bytes only.
private final class FullMedium: Sendable {
    private let failing: [Int]
    private let bytes: Int
    private let state = Mutex((count: 0, isFull: false))

    init(_ failing: [Int], after bytes: Int) { (self.failing, self.bytes) = (failing, bytes) }

    func put(_ descriptor: Int32, _ start: UnsafeRawPointer?, _ count: Int, _ offset: off_t) -> Int {
        let (isFailing, isFull) = state.withLock { state in
            let wasFull = state.isFull
            if !wasFull { state.count += 1 }
            let isFailing = failing.contains(state.count)
            state.isFull = isFailing && !wasFull && bytes > 0
            return (isFailing, wasFull || bytes == 0)
        }
        guard isFailing else { return pwrite(descriptor, start, count, offset) }
        guard !isFull else {
            errno = ENOSPC
            return -1
        }
        return pwrite(descriptor, start, min(bytes, count), offset)
    }
}
