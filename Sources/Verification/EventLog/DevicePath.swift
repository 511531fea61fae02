import Encodings

/// The way to a program that firmware started (UEFI 2.10, section 10.3), as text (section 10.6).
enum DevicePath {
    private static let end: UInt8 = 0x7F
    /// The most nodes that are written: paths of firmware have fewer than ten, and a node of four bytes has a text of
    /// several times its size.
    private static let maximumNodes = 32

    /// A text for each node before the node that ends the path.
    ///
    /// Returns `nil` when a node is shorter than its head, longer than the path, or the end is missing, and when there are
    /// more than 32 nodes.
    static func texts(_ bytes: [UInt8]) -> [String]? {
        var reader = ByteReader(bytes)
        var texts: [String] = []
        while let type = try? reader.u8(), let subtype = try? reader.u8(), let size = try? reader.u16LE(),
            let data = try? reader.bytes(Int(size) - 4)
        {
            if type == end, subtype == 0xFF { return texts }
            guard texts.count < maximumNodes else { return nil }
            texts.append(text(type, subtype, data))
        }
        return nil
    }

    private static func text(_ type: UInt8, _ subtype: UInt8, _ data: [UInt8]) -> String {
        let known: String? =
            switch (type, subtype) {
            case (1, 1): data.count == 2 ? "Pci(\(data[0]),\(data[1]))" : nil
            case (2, 1): acpi(data)
            case (3, 5): data.count == 2 ? "USB(\(data[0]),\(data[1]))" : nil
            case (3, 11): mac(data)
            case (4, 1): hardDrive(data)
            case (4, 3): data.count >= 16 ? "VenMedia(\(guid(data[..<16])),\(Hex.encode(data[16...])))" : nil
            case (4, 4): file(data)
            default: nil
            }
        return known ?? "Path(\(type),\(subtype),\(Hex.encode(data)))"
    }

    /// A device by its compressed EISA identifier: three letters of five bits and a number.
    private static func acpi(_ data: [UInt8]) -> String? {
        var reader = ByteReader(data)
        guard data.count == 8, let hid = try? reader.u32LE(), let uid = try? reader.u32LE() else { return nil }
        let letters = [10, 5, 0].map { shift in
            Character(Unicode.Scalar(UInt8(ascii: "@") + UInt8(hid >> UInt32(shift) & 0x1F)))
        }
        return "ACPI(\(String(letters))\(hex(UInt64(hid >> 16), digits: 4)),\(uid))"
    }

    private static func file(_ data: [UInt8]) -> String? {
        guard !data.isEmpty, data.count % 2 == 0 else { return nil }
        let name = UTF16Text.lossy(data[...])
        return name.hasControlCharacters ? nil : "File(\(name))"
    }

    private static func mac(_ data: [UInt8]) -> String? {
        guard data.count == 33 else { return nil }
        // Types 0 and 1 are Ethernet, whose addresses have six bytes.
        let address = data[32] <= 1 ? data[..<6] : data[..<32]
        return "Mac(\(Hex.encode(address).uppercased()),0x\(hex(UInt64(data[32]), digits: 2)))"
    }

    private static func hardDrive(_ data: [UInt8]) -> String? {
        var reader = ByteReader(data)
        guard data.count == 38, let number = try? reader.u32LE(), let start = try? reader.u64LE(),
            let size = try? reader.u64LE()
        else { return nil }
        let signature = data[20..<36]
        let label: String
        switch data[36] {
        case 1: label = "MBR,0x" + hex(littleEndian(signature.prefix(4)), digits: 8).lowercased()
        case 2: label = "GPT," + guid(signature)
        default: return nil
        }
        // Partition 0 stands for the whole disk, which has no place on itself.
        let place = number == 0 ? "" : ",0x\(String(start, radix: 16)),0x\(String(size, radix: 16))"
        return "HD(\(number),\(label)\(place))"
    }

    /// The usual text of a GUID, whose first three numbers are stored with the lowest byte first.
    private static func guid(_ bytes: ArraySlice<UInt8>) -> String {
        let bytes = Array(bytes)
        let numbers = [
            hex(littleEndian(bytes[0..<4]), digits: 8), hex(littleEndian(bytes[4..<6]), digits: 4),
            hex(littleEndian(bytes[6..<8]), digits: 4),
        ]
        let rest = [bytes[8..<10], bytes[10..<16]].map { Hex.encode($0).uppercased() }
        return (numbers + rest).joined(separator: "-")
    }

    private static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func hex(_ number: UInt64, digits: Int) -> String {
        let text = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
