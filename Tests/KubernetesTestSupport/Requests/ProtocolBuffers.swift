import Encodings
import Foundation

/// Reads the bodies that clients built on client-go send for kinds that they have Go types for, Helm's releases among them.
///
/// Of each kind only the fields that are in ``fields(of:)`` are known; kinds that are not there are refused with 415. Answers
/// are always JSON, which such clients accept.
enum ProtocolBuffers {
    /// The object in a body of `application/vnd.kubernetes.protobuf`: four magic bytes and a `runtime.Unknown`.
    static func object(in body: [UInt8]) throws -> JSONObject {
        guard body.starts(with: [0x6B, 0x38, 0x73, 0x00]) else { throw unreadable("it does not begin as one") }
        let envelope = try fields(in: body[4...])
        guard let type = envelope.last(where: { $0.number == 1 })?.bytes else { throw unreadable("it names no kind") }
        let names = try fields(in: type)
        func name(_ number: UInt64) -> String {
            names.last { $0.number == number }.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
        }
        let (apiVersion, kind) = (name(1), name(2))
        guard let known = fields(of: kind) else {
            throw APIStatus(415, "UnsupportedMediaType", "this server reads \(kind) as JSON or YAML alone")
        }
        let content = envelope.last { $0.number == 2 }?.bytes ?? []
        var object: JSONObject = ["apiVersion": .string(apiVersion), "kind": .string(kind)]
        for (name, value) in try message(content, known) { object[name] = value }
        return object
    }

    private static func unreadable(_ why: String) -> APIStatus { .badRequest("the body is no protocol buffer: \(why)") }

    // MARK: Kinds

    private indirect enum Form: Sendable {
        case text, bytes, number, flag, time
        case message([UInt64: Field])
        /// From text to text or bytes.
        case map(Form)
    }

    private struct Field: Sendable {
        let name: String
        let form: Form
        var isRepeated = false
    }

    /// The fields of a kind by number, as generated.proto of Kubernetes' API packages numbers them.
    private static func fields(of kind: String) -> [UInt64: Field]? {
        var fields: [UInt64: Field]
        switch kind {
        case "Secret":
            fields = [
                2: Field(name: "data", form: .map(.bytes)), 3: Field(name: "type", form: .text),
                4: Field(name: "stringData", form: .map(.text)), 5: Field(name: "immutable", form: .flag),
            ]
        case "ConfigMap":
            fields = [
                2: Field(name: "data", form: .map(.text)), 3: Field(name: "binaryData", form: .map(.bytes)),
                4: Field(name: "immutable", form: .flag),
            ]
        case "Namespace": fields = [:]
        case "ServiceAccount": fields = [4: Field(name: "automountServiceAccountToken", form: .flag)]
        case "DeleteOptions":
            let preconditions: [UInt64: Field] = [
                1: Field(name: "uid", form: .text), 2: Field(name: "resourceVersion", form: .text),
            ]
            return [
                1: Field(name: "gracePeriodSeconds", form: .number),
                2: Field(name: "preconditions", form: .message(preconditions)),
                4: Field(name: "propagationPolicy", form: .text),
                5: Field(name: "dryRun", form: .text, isRepeated: true),
            ]
        default: return nil
        }
        fields[1] = Field(name: "metadata", form: .message(metadata))
        return fields
    }

    private static let metadata: [UInt64: Field] = [
        1: Field(name: "name", form: .text), 2: Field(name: "generateName", form: .text),
        3: Field(name: "namespace", form: .text), 5: Field(name: "uid", form: .text),
        6: Field(name: "resourceVersion", form: .text), 8: Field(name: "creationTimestamp", form: .time),
        9: Field(name: "deletionTimestamp", form: .time), 11: Field(name: "labels", form: .map(.text)),
        12: Field(name: "annotations", form: .map(.text)),
        13: Field(name: "ownerReferences", form: .message(owner), isRepeated: true),
        14: Field(name: "finalizers", form: .text, isRepeated: true),
    ]

    private static let owner: [UInt64: Field] = [
        1: Field(name: "kind", form: .text), 3: Field(name: "name", form: .text), 4: Field(name: "uid", form: .text),
        5: Field(name: "apiVersion", form: .text), 6: Field(name: "controller", form: .flag),
        7: Field(name: "blockOwnerDeletion", form: .flag),
    ]

    // MARK: Values

    private static func message(_ bytes: ArraySlice<UInt8>, _ known: [UInt64: Field]) throws -> JSONObject {
        var object = JSONObject()
        for part in try fields(in: bytes) {
            guard let field = known[part.number] else { continue }
            if case .map(let form) = field.form {
                let entry = try fields(in: part.bytes)
                let key = entry.last { $0.number == 1 }.map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
                let content = entry.last { $0.number == 2 }?.bytes ?? []
                object.edit(field.name) { $0[key] = text(content, form) }
            } else if let value = try value(part, field.form) {
                object[field.name] = field.isRepeated ? .array((object[field.name]?.arrayValue ?? []) + [value]) : value
            }
        }
        return object
    }

    private static func text(_ bytes: ArraySlice<UInt8>, _ form: Form) -> JSONValue {
        if case .bytes = form { return .string(Base64.encode(Array(bytes))) }
        return .string(String(decoding: bytes, as: UTF8.self))
    }

    /// Nil for what is written though it is empty.
    private static func value(_ part: Part, _ form: Form) throws -> JSONValue? {
        switch form {
        case .text, .bytes, .map: return part.bytes.isEmpty ? nil : text(part.bytes, form)
        case .number: return .int(Int64(bitPattern: part.number64))
        case .flag: return .bool(part.number64 != 0)
        case .message(let known):
            let object = try message(part.bytes, known)
            return object.isEmpty ? nil : .object(object)
        case .time:
            guard let seconds = try fields(in: part.bytes).last(where: { $0.number == 1 })?.number64 else { return nil }
            return .string(Timestamp.text(Date(timeIntervalSince1970: Double(Int64(bitPattern: seconds)))))
        }
    }

    // MARK: The wire

    private struct Part {
        let number: UInt64
        var number64: UInt64 = 0
        var bytes: ArraySlice<UInt8> = []
    }

    private static func fields(in bytes: ArraySlice<UInt8>) throws -> [Part] {
        var rest = bytes
        var parts: [Part] = []
        while !rest.isEmpty {
            let tag = try varint(&rest)
            var part = Part(number: tag >> 3)
            switch tag & 7 {
            case 0: part.number64 = try varint(&rest)
            case 1: _ = try take(8, &rest)
            case 2: part.bytes = try take(varint(&rest), &rest)
            case 5: _ = try take(4, &rest)
            default: throw unreadable("a field is of no known type")
            }
            parts.append(part)
        }
        return parts
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw unreadable("a number does not end")
    }

    private static func take(_ count: UInt64, _ rest: inout ArraySlice<UInt8>) throws -> ArraySlice<UInt8> {
        guard count <= UInt64(rest.count) else { throw unreadable("a field ends behind the end") }
        defer { rest = rest.dropFirst(Int(count)) }
        return rest.prefix(Int(count))
    }
}
