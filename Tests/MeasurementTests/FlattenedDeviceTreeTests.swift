import Testing

@testable import Measurement

@Suite("PEF: flattened device trees")
struct FlattenedDeviceTreeTests {
    /// What dtc 1.6 makes of `/dts-v1/; / { compatible = "ibm,esm"; a { x = <1>; }; };`.
    private static let compiled: [UInt8] = {
        let header: [UInt32] = [0xD00D_FEED, 0, 56, 0, 40, 17, 16, 0, 13, 0]
        let tokens: [UInt8] =
            [0, 0, 0, 1, 0, 0, 0, 0]
            + [0, 0, 0, 3, 0, 0, 0, 8, 0, 0, 0, 0] + Array("ibm,esm\0".utf8)
            + [0, 0, 0, 1] + Array("a\0\0\0".utf8)
            + [0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 11, 0, 0, 0, 1]
            + [0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 9]
        let strings = Array("compatible\0x\0".utf8)
        var fields = header
        fields[3] = 56 + UInt32(tokens.count)
        fields[1] = fields[3] + UInt32(strings.count)
        fields[8] = UInt32(strings.count)
        fields[9] = UInt32(tokens.count)
        return fields.flatMap { $0.littleEndianBytes.reversed() } + [UInt8](repeating: 0, count: 16) + tokens + strings
    }()

    private func refused(_ change: (inout [UInt8]) -> Void) -> Bool {
        var bytes = Self.compiled
        change(&bytes)
        return (try? FlattenedDeviceTree(parsing: bytes)) == nil
    }

    @Test("a tree reads as it is, and is written so that it reads the same")
    func reading() throws {
        let tree = try FlattenedDeviceTree(parsing: Self.compiled)
        #expect(tree.root.text("compatible") == "ibm,esm")
        #expect(tree.root[child: "a"]?[property: "x"] == [0, 0, 0, 1])
        #expect(tree.root[child: "a"]?.text("x") == nil && tree.root[child: "b"] == nil)
        #expect(tree.serialized() == Self.compiled)
    }

    @Test("a tree that contradicts itself is refused")
    func contradictions() {
        #expect(refused { $0[0] ^= 1 } && refused { $0[7] ^= 1 } && refused { $0.append(0) })
        #expect(refused { $0[11] = 57 } && refused { $0[10] = 0xFF } && refused { $0[23] = 18 })
        #expect(refused { $0[15] = 0xFF } && refused { $0[39] -= 4 } && refused { $0[35] -= 1 })
        // A token that is not known, a value's name beyond its list, a value longer than the tree, padding that is none.
        #expect(refused { $0[59] = 5 } && refused { $0[75] = 40 } && refused { $0[70] = 1 } && refused { $0[63] = 1 })
        for count in 0..<Self.compiled.count {
            #expect((try? FlattenedDeviceTree(parsing: Array(Self.compiled.prefix(count)))) == nil)
        }
    }

    @Test("names that are there twice are refused, and nodes beyond the depth that any blob has")
    func limits() {
        var twice = FlattenedDeviceTree.Node("")
        twice.properties = [("a", [1]), ("a", [2])]
        #expect((try? FlattenedDeviceTree(parsing: FlattenedDeviceTree(twice).serialized())) == nil)
        var twins = FlattenedDeviceTree.Node("")
        twins.children = [.init("a"), .init("a")]
        #expect((try? FlattenedDeviceTree(parsing: FlattenedDeviceTree(twins).serialized())) == nil)
        func nested(_ depth: Int) -> FlattenedDeviceTree.Node {
            var node = FlattenedDeviceTree.Node("n")
            if depth > 1 { node.children = [nested(depth - 1)] }
            return node
        }
        for (depth, isRead) in [(7, true), (8, false), (100, false)] {
            var root = FlattenedDeviceTree.Node("")
            root.children = [nested(depth)]
            #expect(((try? FlattenedDeviceTree(parsing: FlattenedDeviceTree(root).serialized())) != nil) == isRead)
        }
        var wide = FlattenedDeviceTree.Node("")
        wide.children = (0..<1100).map { .init("n\($0)") }
        #expect((try? FlattenedDeviceTree(parsing: FlattenedDeviceTree(wide).serialized())) == nil)
    }
}
