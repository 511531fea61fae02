import Crypto
import Encodings
import EvidenceSimulator
import RATS
import Testing
import Verification

@Suite("Event logs of attackers")
struct EventLogAttackTests {
    private let digest = [UInt8](repeating: 7, count: 48)

    @Test("a length beyond the end is refused wherever it stands, without reading on")
    func lengths() {
        var log = LogBuilder()
        log.append(index: 1, type: 4, digests: [(0x0C, digest)], data: [0, 0, 0, 0], size: .max)
        #expect(EventLog.refusal(of: log.bytes) == "malformed_evidence")
        var whole = LogBuilder()
        whole.append(index: 1, type: 4, data: [1, 2, 3, 4])
        for count in 1..<whole.bytes.count where count != LogBuilder().bytes.count {
            #expect(EventLog.refusal(of: Array(whole.bytes.prefix(count))) != nil, "\(count) bytes")
        }
        #expect(EventLog.refusal(of: []) == "malformed_evidence")
        #expect(EventLog.refusal(of: whole.bytes) == nil)
    }

    @Test("a declaration of no, unknown, repeated or wrongly sized algorithms is refused")
    func declarations() {
        for algorithms: [(UInt16, UInt16)] in [
            [], [(0x99, 32)], [(0x0C, 48), (0x0C, 48)], [(0x0C, 32)], [(0x0C, .max)],
            Array(repeating: (0x0C, 48), count: 17),
        ] {
            #expect(EventLog.refusal(of: LogBuilder(algorithms: algorithms).bytes) == "malformed_evidence")
        }
        #expect(EventLog.refusal(of: LogBuilder(vendor: [1, 2, 3]).bytes) == nil)
    }

    @Test("an event without digests, with an undeclared one or with two of an algorithm is refused")
    func digests() {
        let wrong: [[(UInt16, [UInt8])]] = [
            [], [(0x0B, [UInt8](repeating: 1, count: 32))], [(0x0C, digest), (0x0C, digest)], [(0xFFFF, digest)],
        ]
        for digests in wrong {
            var log = LogBuilder(algorithms: [(0x0C, 48), (0x04, 20)])
            log.append(index: 1, type: 4, digests: digests, data: [])
            #expect(EventLog.refusal(of: log.bytes) == "malformed_evidence")
        }
    }

    @Test("A23: a log above 1 MiB or with more than 4096 events is refused, and an event takes little room")
    func size() throws {
        var log = LogBuilder()
        for _ in 0..<EventLog.maximumEvents { log.append(index: 1, type: 4, data: [0, 0, 0, 0]) }
        #expect(try EventLog.parse(log.bytes).events.count == EventLog.maximumEvents)
        let room = EventLog.maximumSize - log.bytes.count
        #expect(EventLog.refusal(of: log.padded([UInt8](repeating: 0, count: room))) == nil)
        #expect(EventLog.refusal(of: log.padded([UInt8](repeating: 0, count: room + 1))) == "malformed_evidence")
        log.append(index: 1, type: 4, data: [0, 0, 0, 0])
        #expect(EventLog.refusal(of: log.bytes) == "malformed_evidence")
        #expect(MemoryLayout<EventLog.Event>.stride <= 64)
    }

    /// Descriptions whose claims are as large as they can be, by the kind of event.
    static let swollen: [(name: String, type: UInt32, data: [UInt8])] = {
        let head = [UInt8](repeating: 0, count: 24)
        let path = Array(repeating: [0xFF, 0xFE, 4, 0] as [UInt8], count: 32).flatMap(\.self) + [0x7F, 0xFF, 4, 0]
        let overlong =
            Array(repeating: [0xFF, 0xFE, 4, 0] as [UInt8], count: 4000).flatMap(\.self) + [0x7F, 0xFF, 4, 0]
        func image(_ path: [UInt8]) -> [UInt8] { head + LogBuilder.littleEndian(UInt64(path.count)) + path }
        let name = Array(repeating: [1, 0] as [UInt8], count: 8000).flatMap(\.self)
        let variable =
            [UInt8](repeating: 0, count: 16) + LogBuilder.littleEndian(UInt64(8000)) + [0, 0, 0, 0, 0, 0, 0, 0] + name
        let nested = String(repeating: "[", count: 8000) + String(repeating: "]", count: 8000)
        return [
            ("the smallest events", 4, []), ("control characters", 5, [UInt8](repeating: 1, count: 16_000)),
            ("a script of line breaks", 0x0D, [UInt8](repeating: 10, count: 16_000)),
            ("quotation marks", 5, [UInt8](repeating: 0x22, count: 16_000)),
            ("bytes that are no text", 6, [1, 0, 0, 0, 0x70, 0x3E, 0, 0] + [UInt8](repeating: 0xFF, count: 15_984)),
            (
                "control characters behind a tag", 6,
                [1, 0, 0, 0, 0x70, 0x3E, 0, 0] + [UInt8](repeating: 1, count: 15_984)
            ),
            ("short nodes", 0x8000_0003, image(path)), ("too many nodes", 0x8000_0003, image(overlong)),
            ("a name of control characters", 0x8000_0001, variable),
            ("an agent's list", 6, LogBuilder.agentEvent("a b [" + String(repeating: "0,", count: 7990) + "0]")),
            ("an agent's nested lists", 6, LogBuilder.agentEvent("a b \(nested)")),
            ("an agent's quotation marks", 6, LogBuilder.agentEvent("a b " + String(repeating: "\"", count: 16_000))),
        ]
    }()

    @Test("A23: the claims of a log are at most six times its size, whatever it is full of", arguments: swollen)
    func amplification(_ row: (name: String, type: UInt32, data: [UInt8])) throws {
        var log = LogBuilder()
        let event = 66 + row.data.count
        for _ in 0..<min(EventLog.maximumEvents, EventLog.maximumSize / event - 1) {
            log.append(index: 4, type: row.type, data: row.data)
        }
        let claims = try EventLog.parse(log.bytes).claims.serialized()
        #expect(claims.count <= 6 * log.bytes.count, "\(row.name)")
    }

    @Test("A18: what follows the unused room is not part of the log")
    func unusedRoom() throws {
        var hidden = LogBuilder()
        hidden.append(index: 4, type: 6, data: LogBuilder.agentEvent("coco.com run anything"))
        for filler: UInt8 in [0, 0xFF] {
            var log = LogBuilder()
            log.append(index: 1, type: 4, data: [0, 0, 0, 0])
            let start = LogBuilder().bytes.count
            let bytes = log.padded([UInt8](repeating: filler, count: 8) + hidden.bytes[start...])
            #expect(try EventLog.parse(bytes).events.count == 1)
        }
    }

    @Test("A18: an event that was added, dropped, swapped or given another digest no longer leads to the register")
    func tampering() throws {
        let entries: [[UInt8]] = [[1], [2], [3]]
        func log(_ entries: [[UInt8]]) -> LogBuilder {
            var log = LogBuilder()
            for entry in entries { log.append(index: 1, type: 5, data: entry) }
            return log
        }
        let signed = try EventLog.parse(log(entries).bytes).register(1, in: .sha384)
        func refusal(_ builder: LogBuilder) throws -> String? {
            let log = try EventLog.parse(builder.bytes)
            return refusalCode { () throws(VerificationError) in _ = try log.replayed(to: [1: signed], in: .sha384) }
        }
        #expect(try refusal(log(entries)) == nil)
        for wrong: [[UInt8]] in [[], [[1], [2]], [[1], [2], [3], [4]], [[2], [1], [3]], [[1], [2], [2]]] {
            #expect(try refusal(log(wrong)) == "event_log_mismatch")
        }
    }

    @Test("A18: events of registers that nobody signed do not become claims")
    func unsignedRegisters() throws {
        var log = LogBuilder()
        log.append(index: 1, type: 5, data: [1])
        log.append(index: 9, type: 0x8000_0007, data: Array("Exit Boot Services".utf8))
        log.append(index: 0, type: 3, digests: [(0x0C, digest)], data: [9])
        let parsed = try EventLog.parse(log.bytes)
        let proved = try parsed.replayed(to: [1: parsed.register(1, in: .sha384), 2: zeros], in: .sha384)
        #expect(proved.events.map(\.index) == [1, 0])
        #expect(
            refusalCode { () throws(VerificationError) in _ = try parsed.replayed(to: [9: zeros], in: .sha384) }
                == "event_log_mismatch")
    }

    @Test("A23: events of every type with hardly any data, or with lengths that are zero or too large, become claims")
    func tinyEvents() throws {
        let known: [UInt32] = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14]
        let types = known + (0...0x20).map { 0x8000_0000 + $0 } + [0x8000_00E0]
        var log = LogBuilder()
        for type in types {
            for data: [UInt8] in [[], [0], [1], [0xFF], [0, 1], [1, 0], [UInt8](repeating: 0, count: 40)] {
                log.append(index: 1, type: type, data: data)
            }
        }
        let parsed = try EventLog.parse(log.bytes)
        #expect(parsed.claims.arrayValue?.count == types.count * 7)
    }

    private let zeros = [UInt8](repeating: 0, count: 48)

    @Test("an informative event neither extends a register nor is ever said to be covered by its digest")
    func informativeEvents() throws {
        var log = LogBuilder()
        log.append(index: 1, type: 3, data: [1, 2, 3])
        let parsed = try EventLog.parse(log.bytes)
        #expect(try parsed.register(1, in: .sha384) == zeros)
        #expect(parsed.claims.arrayValue?.first?["digest_matches_event"] == false)
    }

    @Test("a log for another bank proves nothing, and digests of banks that were not compared do not become claims")
    func otherBank() throws {
        var log = LogBuilder(algorithms: [(0x04, 20), (0x0B, 32), (0x0C, 48)])
        let data: [UInt8] = [1, 2, 3]
        log.append(
            index: 1, type: 5,
            digests: [
                (0x04, [UInt8](repeating: 1, count: 20)), (0x0B, Array(SHA256.hash(data: data))), (0x0C, digest),
            ], data: data)
        let parsed = try EventLog.parse(log.bytes)
        for bank in [TCGHash.sha1, .sha512, .sm3] {
            #expect(
                refusalCode { () throws(VerificationError) in _ = try parsed.register(1, in: bank) }
                    == "event_log_mismatch")
            #expect(
                refusalCode { () throws(VerificationError) in _ = try parsed.replay(bank) } == "event_log_mismatch")
        }
        let proved = try parsed.replayed(to: [1: parsed.register(1, in: .sha256)], in: .sha256)
        let entry = try #require(proved.claims.arrayValue?.first)
        #expect(entry["digests"]?.arrayValue?.count == 1)
        #expect(entry["digests"]?.arrayValue?.first?["alg"] == "SHA-256")
        #expect(entry["digest_matches_event"] == true)
        #expect(parsed.events.first?.digestMatchesEvent == false)
    }

    @Test("a log that lacks the wanted digest in one event only is refused too")
    func partialBank() throws {
        var log = LogBuilder(algorithms: [(0x0B, 32), (0x0C, 48)])
        log.append(index: 1, type: 5, digests: [(0x0C, digest)], data: [])
        log.append(index: 1, type: 5, digests: [(0x0B, [UInt8](repeating: 0, count: 32))], data: [])
        let parsed = try EventLog.parse(log.bytes)
        #expect(
            refusalCode { () throws(VerificationError) in _ = try parsed.register(1, in: .sha384) }
                == "event_log_mismatch")
    }

    @Test("separators that are repeated or say error, and late events of firmware, are flagged")
    func separators() throws {
        var log = LogBuilder()
        log.append(index: 0, type: 8, data: [1])
        log.append(index: 0, type: 4, data: [0, 0, 0, 0])
        #expect(try EventLog.parse(log.bytes).findings(in: .platform) == [])
        log.append(index: 0, type: 4, data: [1, 0, 0, 0])
        log.append(index: 2, type: 0x8000_0004, data: [1])
        log.append(index: 0, type: 0x8000_0008, data: [1])
        let parsed = try EventLog.parse(log.bytes)
        #expect(
            parsed.findings(in: .platform)
                == [.duplicateSeparator, .errorSeparator, .lateFirmwareEvent, .missingSeparator])
        #expect(parsed.findings(in: .confidentialVM) == [.duplicateSeparator, .errorSeparator])
    }
}

extension EventLog {
    /// The code of the error that parsing ends with.
    static func refusal(of bytes: [UInt8]) -> String? {
        refusalCode { () throws(VerificationError) in _ = try parse(bytes) }
    }
}
