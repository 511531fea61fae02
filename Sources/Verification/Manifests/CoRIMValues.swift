import Encodings
import FoundationEssentials
import X509Trust

/// The reference values of a concise reference integrity manifest, each under a path of what the measurement is of: vendor,
/// model, key, name and serial number.
public enum CoRIMValues {
    private static let registeredTags: [UInt64] = [500, 502]
    private static let uuidTag: UInt64 = 37
    private static let rawBytesTag: UInt64 = 560

    /// The values of a manifest that nobody signed, in its order; a name may stand there several times.
    ///
    /// Throws ``ManifestError`` (`malformed_manifest`).
    public static func unsigned(_ bytes: [UInt8]) throws(ManifestError) -> [ManifestValue] {
        let manifest: CoRIM
        do throws(CoRIMError) {
            manifest = try CoRIM(unsigned: unwrapped(bytes))
        } catch {
            throw .malformed(error.message)
        }
        return try values(manifest)
    }

    /// Whether bytes are a COSE message with one signature, with the tags of signed manifests before it or without.
    public static func isSigned(_ bytes: [UInt8]) -> Bool {
        // Tag 18, or an array of four.
        let first = unwrapped(bytes).first
        return first == 0xd2 || first == 0x84
    }

    static func signed(_ bytes: [UInt8], by keys: [PublicKey]) throws(ManifestError) -> ManifestContent {
        guard isSigned(bytes) else { throw ManifestError("unsigned_manifest", "Nobody signed it.") }
        let message = unwrapped(bytes)
        for key in keys {
            guard let manifest = try signedManifest(message, by: key) else { continue }
            var content = try ManifestContent(
                id: manifest.id, version: manifest.version, signedBy: key.fingerprintText, values: values(manifest))
            if let validity = manifest.validity {
                content.validFrom = validity.lowerBound == .distantPast ? nil : validity.lowerBound
                content.validUntil = validity.upperBound
            }
            content.subject = "manifest \(manifest.id)".printable
            return content
        }
        throw .untrusted("No key that may sign for this signer signed it.")
    }

    private static func signedManifest(_ message: [UInt8], by key: PublicKey) throws(ManifestError) -> CoRIM? {
        do throws(CoRIMError) {
            return try CoRIM(signed: message, by: [key])
        } catch {
            guard error.isUntrusted else { throw .malformed(error.message) }
            return nil
        }
    }

    /// Without the tags 500 and 502, which say that what follows is a manifest, signed or not.
    private static func unwrapped(_ bytes: [UInt8]) -> [UInt8] {
        var rest = bytes[...]
        for _ in registeredTags
        where registeredTags.contains(where: { rest.starts(with: [0xd9, UInt8($0 >> 8), UInt8($0 & 0xff)]) }) {
            rest = rest.dropFirst(3)
        }
        return Array(rest)
    }
}

// MARK: - Reading

extension CoRIMValues {
    private enum Label {
        static let triples: CBORValue = 4
        static let references: CBORValue = 0
        static let classMap: CBORValue = 0
        static let vendor: CBORValue = 1
        static let model: CBORValue = 2
        static let key: CBORValue = 0
        static let values: CBORValue = 1
        static let digests: CBORValue = 2
        static let rawValue: CBORValue = 4
        static let serialNumber: CBORValue = 8
        static let name: CBORValue = 11
        static let registers: CBORValue = 14
    }

    private static func values(_ manifest: CoRIM) throws(ManifestError) -> [ManifestValue] {
        var values: [ManifestValue] = []
        for module in manifest.modules {
            for triple in module[Label.triples]?.mapValue?[Label.references]?.arrayValue ?? [] {
                guard let parts = triple.arrayValue, parts.count == 2, let environment = parts[0].mapValue,
                    let measurements = parts[1].arrayValue
                else { throw .malformed("A reference is not about anything.") }
                let made = environment[Label.classMap]?.mapValue
                let prefix = [made?[Label.vendor]?.textValue, made?[Label.model]?.textValue].compactMap(\.self)
                for measurement in measurements { values += try Self.values(measurement, prefix) }
                guard values.count <= ManifestValue.maximumCount else { throw .malformed("It has too many values.") }
            }
        }
        return values
    }

    private static func values(
        _ measurement: CBORValue, _ prefix: [String]
    ) throws(ManifestError) -> [ManifestValue] {
        guard let map = measurement.mapValue, let content = map[Label.values]?.mapValue else {
            throw .malformed("A measurement has no values.")
        }
        var path = prefix
        if let key = map[Label.key] { path.append(try name(ofKey: key)) }
        for label in [Label.name, Label.serialNumber] {
            guard let item = content[label] else { continue }
            guard let text = item.textValue else { throw .malformed("A measurement's name is no text.") }
            path.append(text)
        }
        func value(_ last: String, _ json: JSONValue) throws(ManifestError) -> ManifestValue {
            try ManifestValue((path + [last]).joined(separator: "/"), json)
        }
        var values: [ManifestValue] = []
        if let digests = content[Label.digests] { values.append(try value("digests", list(digests))) }
        if let raw = content[Label.rawValue] {
            guard let bytes = raw.bytesValue ?? raw.tagged(rawBytesTag)?.bytesValue else {
                throw .malformed("A measurement's raw value is not bytes.")
            }
            values.append(try value("raw_bytes", .string(Hex.encode(bytes))))
        }
        if let registers = content[Label.registers] {
            guard let map = registers.mapValue else { throw .malformed("Its registers are no map.") }
            for key in map.keys {
                guard let register = key.textValue ?? key.uintValue.map({ "register\($0)" }), let item = map[key] else {
                    throw .malformed("A register has no name.")
                }
                values.append(try value(register, list(item)))
            }
        }
        return values
    }

    /// Digests, each an algorithm and bytes, as a list of hex.
    private static func list(_ item: CBORValue) throws(ManifestError) -> JSONValue {
        guard let digests = item.arrayValue, !digests.isEmpty else { throw .malformed("A measurement has no digests.") }
        var list: [JSONValue] = []
        for digest in digests {
            guard let parts = digest.arrayValue, parts.count == 2, let bytes = parts[1].bytesValue, bytes.count >= 20
            else { throw .malformed("A digest is none.") }
            list.append(.string(Hex.encode(bytes)))
        }
        return .array(list)
    }

    /// The part of a name that a measurement's key gives: a text, `claim` and a number, or a UUID.
    private static func name(ofKey key: CBORValue) throws(ManifestError) -> String {
        if let text = key.textValue { return text }
        if let number = key.uintValue { return "claim\(number)" }
        guard let bytes = key.tagged(uuidTag)?.bytesValue, bytes.count == 16 else {
            // What is not understood could be a condition.
            throw .malformed("A measurement is named in a way that is not known.")
        }
        let hex = Hex.encode(bytes)
        var parts: [Substring] = []
        var rest = hex[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }
}
