import RATS
import SwiftASN1

/// A sequence of identified values in Intel's extension, each by the last arc of its identifier.
struct PCKMembers {
    private var nodes: [UInt8: ASN1Node] = [:]
    private let identifier: [UInt8]

    /// 1.2.840.113741.1.13.1 as the content of an object identifier.
    private static let root: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01]

    init(der: [UInt8]) throws(VerificationError) {
        guard let node = try? DER.parse(der) else { throw Self.malformed("it is not DER") }
        try self.init(node, identifier: Self.root)
    }

    private init(_ node: ASN1Node, identifier: [UInt8]) throws(VerificationError) {
        self.identifier = identifier
        for element in try Self.children(of: node) {
            let pair = Array(try Self.children(of: element))
            guard pair.count == 2, pair[0].identifier == .objectIdentifier, case .primitive(let oid) = pair[0].content,
                oid.count == identifier.count + 1, oid.starts(with: identifier), let arc = oid.last
            else { throw Self.malformed("one of its members is no pair of an identifier below its own and a value") }
            guard nodes.updateValue(pair[1], forKey: arc) == nil else {
                throw Self.malformed("one of its members is there twice")
            }
        }
    }

    func has(_ arc: UInt8) -> Bool { nodes[arc] != nil }

    func members(_ arc: UInt8) throws(VerificationError) -> PCKMembers {
        try PCKMembers(node(arc), identifier: identifier + [arc])
    }

    func octets(_ arc: UInt8, count: Int) throws(VerificationError) -> [UInt8] {
        let bytes = try content(arc, .octetString)
        guard bytes.count == count else { throw Self.malformed("its member \(arc) does not have \(count) bytes") }
        return Array(bytes)
    }

    func integer<Number: FixedWidthInteger>(_ arc: UInt8) throws(VerificationError) -> Number {
        let bytes = try content(arc, .integer)
        guard let value = Self.unsigned(bytes), let number = Number(exactly: value) else {
            throw Self.malformed("its member \(arc) is no number in range")
        }
        return number
    }

    func enumerated(_ arc: UInt8) throws(VerificationError) -> Int {
        guard let value = Self.unsigned(try content(arc, .enumerated)) else {
            throw Self.malformed("its member \(arc) is no number in range")
        }
        return Int(value)
    }

    func boolean(_ arc: UInt8) throws(VerificationError) -> Bool {
        switch Array(try content(arc, .boolean)) {
        case [0xFF]: true
        case [0x00]: false
        default: throw Self.malformed("its member \(arc) is neither true nor false")
        }
    }

    private func node(_ arc: UInt8) throws(VerificationError) -> ASN1Node {
        guard let node = nodes[arc] else { throw Self.malformed("its member \(arc) is missing") }
        return node
    }

    private func content(_ arc: UInt8, _ type: ASN1Identifier) throws(VerificationError) -> ArraySlice<UInt8> {
        let node = try node(arc)
        guard node.identifier == type, case .primitive(let bytes) = node.content else {
            throw Self.malformed("its member \(arc) has a wrong type")
        }
        return bytes
    }

    private static func children(of node: ASN1Node) throws(VerificationError) -> ASN1NodeCollection {
        guard node.identifier == .sequence, case .constructed(let children) = node.content else {
            throw malformed("a sequence was expected")
        }
        return children
    }

    /// The value of a DER integer of at most two bytes of magnitude that is not negative and has no needless zero byte.
    private static func unsigned(_ bytes: ArraySlice<UInt8>) -> UInt16? {
        guard let first = bytes.first, first < 0x80, bytes.count <= 3 else { return nil }
        if bytes.count > 1, first == 0 {
            guard bytes[bytes.startIndex + 1] >= 0x80 else { return nil }
        }
        let value = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return UInt16(exactly: value)
    }

    static func malformed(_ reason: String) -> VerificationError {
        VerificationError(
            code: "malformed_evidence",
            message: "The platform's certificate does not say what Intel's certificates say: \(reason).")
    }
}

extension PCKExtension.Configuration {
    init(_ members: PCKMembers) throws(VerificationError) {
        isDynamic = members.has(1) ? try members.boolean(1) : nil
        hasCachedKeys = members.has(2) ? try members.boolean(2) : nil
        hasHyperThreading = members.has(3) ? try members.boolean(3) : nil
    }
}
