import Encodings

/// The readable parts of an event's description, by the kind of event.
///
/// A description of another form than its kind has gives no parts: it is still in the claim `event`.
enum EventDetails {
    /// Larger descriptions are not taken apart: they would be in the claims twice.
    private static let maximumSize = 16_384

    /// The claim `details`; `isProved` says whether the digests cover the description.
    static func json(of data: [UInt8], type: EventType, isProved: Bool) -> JSONObject {
        guard data.count <= maximumSize else { return [:] }
        return switch type {
        case .postCode, .action, .compactHash, .omitBootDeviceEvents, .efiAction:
            text(String(validating: data, as: UTF8.self))
        case .platformConfigFlags: text(flags(data))
        case .ipl: script(loaderText(data))
        case .platformFirmwareBlob2, .handoffTables2: text(countedText(data))
        case .eventTag: TaggedEvent(data).map { $0.details(isProved: isProved) } ?? [:]
        case .variableDriverConfig, .variableBoot, .variableBoot2, .variableAuthority: variable(data) ?? [:]
        case .bootServicesApplication: image(data) ?? [:]
        default: [:]
        }
    }

    /// A text with control characters is left out: nobody can read it, it would be six times as long in JSON, and where
    /// it is shown it could pass for several.
    private static func text(_ text: String?) -> JSONObject {
        guard let text, !text.hasControlCharacters else { return [:] }
        return ["string": .string(text)]
    }

    /// A text of a boot loader, which may be a script with line breaks and indentation.
    private static func script(_ text: String?) -> JSONObject {
        guard let text, !text.unicodeScalars.contains(where: { $0.isControl && !"\n\r\t".unicodeScalars.contains($0) })
        else { return [:] }
        return ["string": .string(text)]
    }

    /// Free text in which a byte 16 separates words; bytes that are no text give an empty one.
    private static func flags(_ data: [UInt8]) -> String {
        guard let text = String(validating: data, as: UTF8.self) else { return "" }
        let separated = text.unicodeScalars.map { $0.value == 0x10 ? " " : $0 }
        var cleaned = String.UnicodeScalarView()
        cleaned.append(contentsOf: separated.filter { !$0.isControl })
        return String(cleaned)
    }

    /// What a boot loader wrote: text to the first zero byte, or UTF-16 behind a full stop as systemd's stub has it on
    /// Google's machines; otherwise the bytes in hexadecimal.
    private static func loaderText(_ data: [UInt8]) -> String? {
        guard data.count >= 2 else { return nil }
        if data[0] == UInt8(ascii: "."), data[1] == 0 {
            let units = data.dropFirst(2)
            return units.isEmpty || units.count % 2 != 0 ? nil : UTF16Text.lossy(units)
        }
        return String(validating: data.prefix { $0 != 0 }, as: UTF8.self) ?? Hex.encode(data)
    }

    /// A text behind the byte with its length, which counts a closing zero (UEFI_PLATFORM_FIRMWARE_BLOB2,
    /// UEFI_HANDOFF_TABLE_POINTERS2).
    private static func countedText(_ data: [UInt8]) -> String? {
        guard let count = data.first, data.count > Int(count) else { return nil }
        let text = data.dropFirst().prefix(Int(count))
        return String(validating: text.last == 0 ? text.dropLast() : text, as: UTF8.self)
    }

    /// UEFI_VARIABLE_DATA.
    private static func variable(_ data: [UInt8]) -> JSONObject? {
        var reader = ByteReader(data)
        guard let guid = try? reader.bytes(16), let nameCount = try? reader.u64LE(),
            let valueCount = try? reader.u64LE(),
            let size = Int(exactly: nameCount), size <= reader.remaining / 2,
            let name = (try? reader.bytes(2 * size)).flatMap({ UTF16Text.strict($0[...]) }),
            !name.hasControlCharacters,
            let valueSize = Int(exactly: valueCount), let value = try? reader.bytes(valueSize)
        else { return nil }
        let groups = [guid[0..<4], guid[4..<6], guid[6..<8], guid[8..<10], guid[10..<16]]
        return [
            "unicode_name": .string(name),
            "unicode_name_length": .int(Int64(size)),
            "variable_data": .string(Base64.encode(value)),
            "variable_data_length": .int(Int64(valueSize)),
            "variable_name": .string(groups.map { Hex.encode($0) }.joined(separator: "-")),
        ]
    }

    /// UEFI_IMAGE_LOAD_EVENT.
    private static func image(_ data: [UInt8]) -> JSONObject? {
        var reader = ByteReader(data)
        guard (try? reader.skip(24)) != nil, let count = try? reader.u64LE(), let size = Int(exactly: count),
            let path = try? reader.bytes(size), let nodes = DevicePath.texts(path), !nodes.isEmpty
        else { return nil }
        return ["device_paths": .array(nodes.map { .string($0) })]
    }
}

extension Unicode.Scalar {
    /// Whether this is a control character (general category Cc).
    var isControl: Bool { value < 0x20 || 0x7F...0x9F ~= value }
}

extension String {
    /// Whether there is a control character in the text.
    var hasControlCharacters: Bool { unicodeScalars.contains(where: \.isControl) }
}

/// UTF-16 with the lower byte first, as UEFI has it.
enum UTF16Text {
    /// The text; `nil` for an odd number of bytes and for halves of pairs.
    static func strict(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count % 2 == 0 else { return nil }
        return String(validating: units(bytes), as: UTF16.self)
    }

    /// The text up to closing zeros, with replacement characters for what is no text.
    static func lossy(_ bytes: ArraySlice<UInt8>) -> String {
        var units = units(bytes)
        if units.last == 0 { units.removeLast() }
        return String(decoding: units, as: UTF16.self)
    }

    private static func units(_ bytes: ArraySlice<UInt8>) -> [UInt16] {
        stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
            UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
        }
    }
}
