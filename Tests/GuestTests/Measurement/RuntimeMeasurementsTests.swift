import Encodings
import GuestTestSupport
import KBSProtocol
import Synchronization
import Testing
import Verification

@testable import Guest

/// Hands out one resource, counted.
private final class OneResource: ResourceSource {
    private let count = Atomic(0)

    var requests: Int { count.load(ordering: .relaxed) }

    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        count.add(1, ordering: .relaxed)
        guard uri.description == "kbs:///a/b/c" else { throw GuestError(.notFound, "no") }
        return SecretBytes([1, 2, 3])
    }
}

@Suite("Runtime measurement", .timeLimit(.minutes(5)))
struct RuntimeMeasurementsTests {
    private let folder = TemporaryFolder()
    private let registers = SimulatedRegisters()
    private var path: String { folder.path + "/eventlog" }

    @Test("GC 9.A.12: without a log NOT_ENABLED comes first, without registers NOT_SUPPORTED")
    func order() async throws {
        let bad = "line\nbreak"
        #expect(try await RuntimeMeasurements.disabled.record(domain: "d", operation: "o", content: bad) == .notEnabled)
        let unsupported = try RuntimeMeasurements(into: nil, path: path)
        #expect(try await unsupported.record(domain: "d", operation: "o", content: bad) == .notSupported)
        let measurements = try RuntimeMeasurements(into: registers, path: path)
        await #expect(throws: GuestError.self) {
            try await measurements.record(domain: "d", operation: "o", content: bad)
        }
        #expect(try await measurements.record(domain: "d", operation: "o", content: "c") == .recorded)
        // The reference's usual register, 17, is the last of a trust domain.
        #expect(Array(registers.values.keys) == [4])
    }

    @Test("events of many callers at the same time are all recorded, in the order in which they were measured")
    func exclusion() async throws {
        let measurements = try RuntimeMeasurements(into: registers, path: path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    let outcome = try await measurements.record(
                        domain: "d", operation: "o", content: "\(number)", register: number % 2 == 0 ? nil : 8)
                    #expect(outcome == .recorded)
                }
            }
            try await group.waitForAll()
        }
        let log = try EventLog.parse(EventLogText.declaration(of: [.sha384]) + folder.bytes("eventlog"))
        #expect(log.events.count == 40)
        #expect(try log.replay(.sha384) == registers.values)
    }

    @Test("a trust domain's registers are extended through the kernel's files, and only those that guests may")
    func trustDomain() async throws {
        #expect(TDXRegisters(kernel: SimulatedKernel()) == nil)
        let kernel = SimulatedKernel.trustDomain()
        let registers = try #require(TDXRegisters(kernel: kernel))
        let measurements = try RuntimeMeasurements(into: registers, path: path)
        #expect(try await measurements.record(domain: "d", operation: "o", content: "c") == .recorded)
        #expect(try await measurements.record(domain: "d", operation: "o", content: "c", register: 9) == .recorded)
        await #expect(throws: GuestError.self) {
            try await measurements.record(domain: "d", operation: "o", content: "c", register: 1)
        }
        let log = try EventLog.parse(EventLogText.declaration(of: [.sha384]) + folder.bytes("eventlog"))
        let replayed = try log.replay(.sha384)
        #expect(replayed.keys.sorted() == [3, 4])
        for (index, value) in replayed { #expect(try registers.value(at: index) == value) }
    }

    @Test("evidence waits for an event that is being recorded, and says so when nobody finishes it")
    func eventInProgress() async throws {
        #expect(try LoggedEvents(path).entries().isEmpty)
        let measurements = try RuntimeMeasurements(into: registers, path: path)
        #expect(try await measurements.record(domain: "d", operation: "o", content: "c") == .recorded)
        #expect(try LoggedEvents(path).entries() == folder.bytes("eventlog"))
        try folder.write([0], to: ".wal_event_entry")
        #expect {
            _ = try LoggedEvents(path).entries()
        } throws: {
            ($0 as? GuestError)?.message.contains("interrupted") == true
        }
    }

    @Test("an event that got into the register and not into the log is finished by the next request for evidence")
    func failedWrite() async throws {
        let measurements = try RuntimeMeasurements(into: registers, path: path)
        #expect(try await measurements.record(domain: "d", operation: "o", content: "first") == .recorded)
        let before = try folder.bytes("eventlog")
        let event = try RuntimeEvent(domain: "d", operation: "o", content: "second")
        let expected = registers.extended(registers.value(at: 4), with: event.digest(.sha384))
        let record = WriteAheadRecord(offset: UInt64(before.count), expected: expected, text: event.text)
        // What a full medium leaves behind: written ahead, extended, and the entry cut.
        try folder.write(record.bytes, to: ".wal_event_entry")
        try registers.extend(at: 4, with: event.digest(.sha384))
        let logged = LoggedEvents(path)
        logged.keep(measurements)
        #expect(try logged.entries() == before + event.entry(register: 4, .sha384))
        #expect(try folder.bytes(".wal_event_entry").isEmpty)
        // A log that contradicts what was written down stays a reason to give no evidence.
        try folder.write(record.bytes, to: ".wal_event_entry")
        try folder.write(before + [1, 2, 3], to: "eventlog")
        #expect {
            _ = try logged.entries()
        } throws: {
            ($0 as? GuestError)?.code == .evidence
        }
    }

    @Test("programs report neither the agent's own events nor so many that it has no room for its own")
    func reported() async throws {
        let measurements = try RuntimeMeasurements(into: registers, path: path)
        await #expect {
            _ = try await measurements.report(domain: "claviger", operation: "ReleaseResource", content: "{}")
        } throws: {
            ($0 as? GuestError)?.code == .invalidRequest
        }
        #expect(registers.values.isEmpty)
        let content = String(repeating: "a", count: 16_000)
        for _ in 0..<24 {
            #expect(try await measurements.report(domain: "d", operation: "o", content: content) == .recorded)
        }
        await #expect {
            _ = try await measurements.report(domain: "d", operation: "o", content: content)
        } throws: {
            ($0 as? GuestError)?.message.contains("full") == true
        }
        let resources = MeasuredReleases(OneResource(), measurements: measurements)
        #expect(try await resources.resource(try ResourceURI("kbs:///a/b/c")).copyBytes() == [1, 2, 3])
    }

    @Test("a resource that is fetched again and again is in the log once")
    func fetchedAgain() async throws {
        let measurements = try RuntimeMeasurements(into: registers, path: path)
        let source = OneResource()
        let resources = MeasuredReleases(source, measurements: measurements)
        for _ in 0..<5 { _ = try await resources.resource(try ResourceURI("kbs:///a/b/c")) }
        #expect(source.requests == 5)
        let log = try EventLog.parse(EventLogText.declaration(of: [.sha384]) + folder.bytes("eventlog"))
        #expect(log.events.count == 1)
    }

    @Test("a release that is measured is in the log once; without a log nobody gets the resource")
    func releases() async throws {
        let measurements = try RuntimeMeasurements(into: registers, path: path)
        let source = OneResource()
        let cache = ResourceCache(MeasuredReleases(source, measurements: measurements))
        let uri = try ResourceURI("kbs:///a/b/c")
        for _ in 0..<3 { #expect(try await cache.resource(uri).copyBytes() == [1, 2, 3]) }
        await #expect(throws: GuestError.self) { try await cache.resource(try ResourceURI("kbs:///a/b/missing")) }
        #expect(source.requests == 2)
        let log = try EventLog.parse(EventLogText.declaration(of: [.sha384]) + folder.bytes("eventlog"))
        let texts = log.events.map { String(decoding: $0.data.dropFirst(8), as: UTF8.self) }
        #expect(texts == [#"claviger ReleaseResource {"resource":"kbs:///a/b/c"}"#])
        let unlogged = MeasuredReleases(source, measurements: try RuntimeMeasurements(into: nil, path: path))
        await #expect(throws: GuestError.self) { try await unlogged.resource(uri) }
    }
}
