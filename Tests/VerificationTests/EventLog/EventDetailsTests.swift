import Encodings
import EvidenceSimulator
import RATS
import Testing
import Verification

@Suite("Descriptions in event logs")
struct EventDetailsTests {
    private func entry(_ type: UInt32, _ data: [UInt8], index: UInt32 = 4) throws -> JSONValue {
        var log = LogBuilder()
        log.append(index: index, type: type, data: data)
        return try #require(EventLog.parse(log.bytes).claims.arrayValue?.first)
    }

    private func details(_ type: UInt32, _ data: [UInt8]) throws -> JSONValue? { try entry(type, data)["details"] }

    private func image(_ path: [UInt8], size: UInt64? = nil) -> [UInt8] {
        [UInt8](repeating: 0, count: 24) + LogBuilder.littleEndian(size ?? UInt64(path.count)) + path
    }

    private func variable(_ name: [UInt8], nameCount: UInt64, value: [UInt8], valueCount: UInt64) -> [UInt8] {
        [UInt8](repeating: 0xAB, count: 16) + LogBuilder.littleEndian(nameCount)
            + LogBuilder.littleEndian(valueCount) + name + value
    }

    @Test("a record of the guest's agent is split at its first two spaces, and JSON in it is parsed")
    func agentEvents() throws {
        let text = try details(6, LogBuilder.agentEvent("coco.com run a b c"))
        #expect(text?["data"] == ["domain": "coco.com", "operation": "run", "content": "a b c"])
        #expect(text?["unicode_name"] == "AAEL")
        let json = try details(6, LogBuilder.agentEvent(#"coco.com run {"image": [1, true]}"#))
        #expect(json?["data"]?["content"] == ["image": [1, true]])
        let broken = try details(6, LogBuilder.agentEvent(#"coco.com run {"a": 1, "a": 2}"#))
        #expect(broken?["data"]?["content"] == #"{"a": 1, "a": 2}"#)
    }

    @Test("A18: an agent's record counts only where guests extend, and only when it is all that there is")
    func misplacedAgentEvents() throws {
        let record = LogBuilder.agentEvent("coco.com run a")
        #expect(try entry(6, record, index: 16)["details"]?["data"] != nil)
        #expect(try entry(6, record, index: 1)["details"]?["data"] == nil)
        #expect(try entry(6, record + [0x20], index: 4)["details"]?["data"] == nil)
        var log = LogBuilder()
        log.append(index: 1, type: 6, data: record)
        #expect(try EventLog.parse(log.bytes).findings(in: .confidentialVM).contains(.doubtfulAgentEvent))
    }

    @Test("A18: an event that was not measured has no digests in the claims")
    func unmeasuredEvents() throws {
        var log = LogBuilder()
        log.append(index: 4, type: 3, digests: [(0x0C, [UInt8](repeating: 7, count: 48))], data: [1])
        let event = try #require(EventLog.parse(log.bytes).claims.arrayValue?.first)
        #expect(event["digests"] == [])
    }

    @Test("a text with a line break, without its three parts or in no UTF-8 is no record of an agent")
    func doubtfulAgentEvents() throws {
        for text in ["coco.com run a\ncoco.com run b", "coco.com run", "run", "", " run x", "a  x", "a b \u{85}"] {
            var log = LogBuilder()
            log.append(index: 4, type: 6, data: LogBuilder.agentEvent(text))
            let parsed = try EventLog.parse(log.bytes)
            #expect(parsed.claims.arrayValue?.first?["details"]?["data"] == nil, "\(text)")
            #expect(parsed.findings(in: .confidentialVM) == [.doubtfulAgentEvent], "\(text)")
        }
        #expect(try details(6, Array("LEAA".utf8) + [2, 0, 0, 0, 0xFF, 0xFE])?["data"] == nil)
    }

    @Test("JSON of an agent that is deeper or larger than records are stays a text")
    func largeAgentContent() throws {
        func content(_ text: String) throws -> JSONValue? {
            try details(6, LogBuilder.agentEvent("coco.com run \(text)"))?["data"]?["content"]
        }
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(try content(nested(16))?.arrayValue != nil)
        #expect(try content(nested(17)) == .string(nested(17)))
        let list = { (count: Int) in "[" + Array(repeating: "0", count: count).joined(separator: ",") + "]" }
        #expect(try content(list(1023))?.arrayValue?.count == 1023)
        #expect(try content(list(1024)) == .string(list(1024)))
    }

    @Test("texts with control characters are not in the claims, save line breaks and tabs in a boot loader's script")
    func controlCharacters() throws {
        for text in ["a\u{1B}[2J", "a\nb", "a\u{7F}", "a\u{9B}"] {
            let bytes = Array(text.utf8)
            #expect(try details(5, bytes) == [:])
            #expect(try details(0x8000_000A, [UInt8(bytes.count)] + bytes) == [:])
            let tagged = LogBuilder.littleEndian(UInt32(1)) + LogBuilder.littleEndian(UInt32(bytes.count)) + bytes
            #expect(try details(6, tagged) == [:])
            let units = text.utf16.flatMap { LogBuilder.littleEndian($0) }
            let count = UInt64(text.utf16.count)
            #expect(try details(0x8000_0001, variable(units, nameCount: count, value: [], valueCount: 0)) == [:])
            let node = [4, 4] + LogBuilder.littleEndian(UInt16(units.count + 4)) + units
            let paths = try details(0x8000_0003, image(node + [0x7F, 0xFF, 4, 0]))?["device_paths"]
            #expect(paths == .array([.string("Path(4,4,\(Hex.encode(units)))")]))
        }
        #expect(try details(5, Array("a b".utf8))?["string"] == "a b")
        #expect(try details(0x0D, Array("menuentry x {\n\tboot\r\n}".utf8))?["string"] == "menuentry x {\n\tboot\r\n}")
        #expect(try details(0x0D, Array("a\u{1B}[2J".utf8)) == [:])
    }

    @Test("a device path has at most 32 nodes")
    func nodeCount() throws {
        func path(_ count: Int) -> [UInt8] {
            Array(repeating: [1, 1, 6, 0, 2, 3] as [UInt8], count: count).flatMap(\.self) + [0x7F, 0xFF, 4, 0]
        }
        #expect(try details(0x8000_0003, image(path(32)))?["device_paths"]?.arrayValue?.count == 32)
        #expect(try details(0x8000_0003, image(path(33))) == [:])
    }

    @Test("a record whose digest does not cover its text is not taken apart")
    func replacedAgentText() throws {
        var log = LogBuilder()
        log.append(
            index: 4, type: 6, digests: [(0x0C, [UInt8](repeating: 1, count: 48))],
            data: LogBuilder.agentEvent("coco.com run good"))
        let parsed = try EventLog.parse(log.bytes)
        #expect(parsed.claims.arrayValue?.first?["details"]?["data"] == nil)
        #expect(parsed.claims.arrayValue?.first?["digest_matches_event"] == false)
        #expect(parsed.findings(in: .confidentialVM) == [.doubtfulAgentEvent])
    }

    @Test("a tagged event that is shorter than it says has no details")
    func taggedLengths() throws {
        #expect(try details(6, Array("LEAA".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 1]) == [:])
        #expect(try details(6, [1, 2]) == [:])
    }

    @Test("variables with lengths beyond their data, odd halves or half characters have no details")
    func variables() throws {
        let good = variable([0x41, 0, 0x42, 0], nameCount: 2, value: [1, 2], valueCount: 2)
        #expect(try details(0x8000_0001, good)?["unicode_name"] == "AB")
        #expect(try details(0x8000_0001, good)?["variable_name"] == "abababab-abab-abab-abab-abababababab")
        for wrong in [
            variable([0x41, 0], nameCount: .max, value: [], valueCount: 0),
            variable([0x41, 0], nameCount: 1 << 63, value: [], valueCount: 0),
            variable([0x41, 0], nameCount: 2, value: [], valueCount: 0),
            variable([0x41, 0], nameCount: 1, value: [], valueCount: .max),
            variable([0x41, 0], nameCount: 1, value: [1], valueCount: 2),
            variable([0x00, 0xD8], nameCount: 1, value: [], valueCount: 0), [], [1, 2, 3],
        ] {
            #expect(try details(0x8000_00E0, wrong) == [:])
        }
        #expect(
            try details(0x8000_0002, variable([], nameCount: 0, value: [], valueCount: 0))?["unicode_name"] == "")
    }

    @Test("device paths that loop, overrun or never end have no details")
    func devicePaths() throws {
        let end: [UInt8] = [0x7F, 0xFF, 4, 0]
        #expect(try details(0x8000_0003, image([1, 1, 6, 0, 2, 3] + end))?["device_paths"] == ["Pci(2,3)"])
        for path: [UInt8] in [
            [1, 1, 0, 0, 2, 3] + end, [1, 1, 3, 0] + end, [1, 1, 0xFF, 0xFF, 2, 3] + end, [1, 1, 6, 0, 2, 3], [1, 1],
            end, [],
        ] {
            #expect(try details(0x8000_0003, image(path)) == [:])
        }
        #expect(try details(0x8000_0003, image(end, size: .max)) == [:])
        #expect(try details(0x8000_0003, [1]) == [:])
    }

    @Test("nodes of device paths are written as UEFI writes them, unknown ones with their bytes")
    func nodes() throws {
        let mac = Array<UInt8>([0, 0x13, 0x20, 0xF5, 0xFA, 0x77]) + [UInt8](repeating: 0, count: 26) + [1]
        let disk: [UInt8] = [1, 0, 0, 0] + [0, 8, 0, 0, 0, 0, 0, 0] + [0, 0xE0, 0x2E, 0, 0, 0, 0, 0]
        let cases: [(UInt8, UInt8, [UInt8], String)] = [
            (2, 1, [0xD0, 0x41, 0x03, 0x0A, 2, 0, 0, 0], "ACPI(PNP0A03,2)"),
            (3, 5, [1, 2], "USB(1,2)"),
            (3, 11, mac, "Mac(001320F5FA77,0x01)"),
            (
                4, 1, disk + [0x43, 0x12, 0x02, 0xA0] + [UInt8](repeating: 0, count: 12) + [1, 1],
                "HD(1,MBR,0xa0021243,0x800,0x2ee000)"
            ),
            (4, 4, [0x5C, 0, 0x41, 0, 0, 0], #"File(\A)"#),
            (3, 24, [1, 2], "Path(3,24,0102)"),
            (1, 1, [1], "Path(1,1,01)"),
            (4, 1, [1], "Path(4,1,01)"),
            (4, 3, [1], "Path(4,3,01)"),
        ]
        for (type, subtype, data, text) in cases {
            let node = [type, subtype] + LogBuilder.littleEndian(UInt16(data.count + 4)) + data
            let paths = try details(0x8000_0003, image(node + [0x7F, 0xFF, 4, 0]))?["device_paths"]
            #expect(paths == .array([.string(text)]))
        }
    }

    @Test("texts of boot loaders may be UTF-16, and bytes that are no text stay readable")
    func loaderTexts() throws {
        #expect(try details(0x0D, [0x2E, 0, 0x6C, 0, 0x78, 0, 0, 0])?["string"] == "lx")
        #expect(try details(0x0D, [0x2E, 0, 0x6C]) == [:])
        #expect(try details(0x0D, [0x2E, 0]) == [:])
        #expect(try details(0x0D, [0xFF, 0xFE])?["string"] == "fffe")
        #expect(try details(0x0D, []) == [:])
        #expect(try details(0x01, [0xFF]) == [:])
        #expect(try details(0x8000_000A, [9, 0x41]) == [:])
        #expect(try details(0x8000_000A, []) == [:])
        #expect(try details(0x8000_000A, [2, 0x41, 0x42])?["string"] == "AB")
    }

    @Test("a kind of event that the TCG does not know is named by its number")
    func unknownType() throws {
        #expect(try entry(0x8000_00FF, [])["type_name"] == "0x800000ff")
        #expect(try entry(0x99, [])["type_name"] == "0x00000099")
    }
}
