import Encodings
import RATS

/// What a device signs beside its registers: fields of a type, a length and bytes.
package struct NVIDIAOpaqueData: Sendable, Hashable {
    /// The types of fields that are read here.
    package enum Field: UInt16, Sendable, CaseIterable {
        /// Text.
        case driverVersion = 3
        /// The maker's own form.
        case gpuInfo = 4
        /// Of a GPU 8 bytes, of a switch text.
        case firmwareVersion = 6
        /// 0xaa: on, 0x55: off.
        case nvdec0Status = 11
        /// Little-endian counts of 4 bytes.
        case measurementCounts = 12
        /// The maker's own form.
        case cprInfo = 13
        /// The kind of board.
        case boardID = 14
        /// Text.
        case chipSKU = 15
        /// Text.
        case chipSKUModifier = 16
        /// Text.
        case project = 17
        /// Text.
        case projectSKU = 18
        /// Text.
        case projectSKUModifier = 19
        /// SHA-384 of the device's first firmware.
        case firmwareID = 20
        /// 0xaa: on, 0x55: off.
        case protectedPCIe = 21
        /// Of a GPU the identifiers of the switch behind each link, of a switch its own; 8 bytes each.
        case switchIdentifiers = 22
        /// Of a switch the identifiers of the GPUs, 8 bytes each, and more.
        case gpuIdentifiers = 26
        /// 0: a single GPU, 1: several, 2: several with protected PCIe.
        case featureFlag = 36
    }

    private let fields: [UInt16: [UInt8]]

    private static let maximumFields = 64

    /// Reads the fields, all of the bytes. Fields of other types are let in and left alone; none may be there twice.
    ///
    /// Throws `malformed_evidence`.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The opaque data of the NVIDIA device")
        var fields: [UInt16: [UInt8]] = [:]
        while reader.remaining > 0 {
            let type = try reader.u16LE()
            let value = try reader.bytes(Int(reader.u16LE()))
            guard fields.updateValue(value, forKey: type) == nil, fields.count <= Self.maximumFields else {
                throw reader.malformed("Field \(type) is there twice, or there are too many fields.")
            }
        }
        self.fields = fields
        for field in Self.texts where fields[field.rawValue] != nil {
            guard text(field) != nil else { throw reader.malformed("Field \(field.rawValue) is no text.") }
        }
        for (field, size) in [(Field.firmwareID, 48), (.nvdec0Status, 1), (.protectedPCIe, 1), (.featureFlag, 2)] {
            guard fields[field.rawValue].map({ $0.count == size }) ?? true else {
                throw reader.malformed("Field \(field.rawValue) does not have \(size) bytes.")
            }
        }
    }

    private static let texts: [Field] = [
        .driverVersion, .chipSKU, .chipSKUModifier, .project, .projectSKU, .projectSKUModifier,
    ]

    /// The bytes of a field; `nil` when it is not there.
    package subscript(field: Field) -> [UInt8]? { fields[field.rawValue] }

    /// The printable ASCII text of a field, up to its first NUL, behind which only more of them may stand.
    package func text(_ field: Field) -> String? {
        guard let bytes = self[field] else { return nil }
        let text = bytes.prefix { $0 != 0 }
        guard bytes[text.endIndex...].allSatisfy({ $0 == 0 }), text.allSatisfy({ (0x20..<0x7F).contains($0) })
        else { return nil }
        return String(decoding: text, as: UTF8.self)
    }

    /// The version of a GPU's firmware, such as `96.00.9f.00.01`: four bytes from the last to the first, and a fifth.
    package var gpuFirmwareVersion: String? {
        guard let bytes = self[.firmwareVersion], bytes.count == 8 else { return nil }
        return (bytes[..<4].reversed() + [bytes[4]]).map { Hex.encode([$0]) }.joined(separator: ".")
    }

    /// How often each register was extended, by its index from 1.
    package var measurementCounts: [Int: UInt32] {
        var reader = ByteReader(self[.measurementCounts] ?? [])
        var counts: [Int: UInt32] = [:]
        while let count = try? reader.u32LE() { counts[counts.count + 1] = count }
        return counts
    }

    /// Identifiers of 8 bytes in the first `limit` places of a field, without places that are empty, each once.
    package func identifiers(_ field: Field, limit: Int) -> Set<[UInt8]> {
        let bytes = self[field] ?? []
        let places = stride(from: 0, to: min(bytes.count / 8, limit) * 8, by: 8).map { Array(bytes[$0..<($0 + 8)]) }
        return Set(places.filter { place in !place.allSatisfy { $0 == 0xFF } && !place.allSatisfy { $0 == 0 } })
    }

    /// Whether traffic between the device and others is protected.
    package var isProtectedPCIe: Bool { self[.protectedPCIe] == [0xAA] || self[.featureFlag] == [2, 0] }

    /// Whether the video decoder is off, so that its firmware was not loaded.
    package var isDecoderOff: Bool { self[.nvdec0Status] == [0x55] }
}
