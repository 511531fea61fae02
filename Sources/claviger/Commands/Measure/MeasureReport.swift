import Encodings
import FoundationEssentials
import Measurement
import Policy

/// Computed values with all that they were computed from.
struct MeasureReport {
    /// A value under the name by which policies ask for it.
    struct Value {
        let name: String
        let text: String
        /// Whether policies compare with the one value, instead of asking whether theirs is in a list.
        var isSingle = false
        let meaning: String

        init(_ name: String, _ text: String, _ meaning: String, isSingle: Bool = false) {
            self.name = name
            self.text = text
            self.meaning = meaning
            self.isSingle = isSingle
        }

        init(_ name: String, _ bytes: [UInt8], _ meaning: String, isSingle: Bool = false) {
            self.init(name, Hex.encode(bytes), meaning, isSingle: isSingle)
        }
    }

    /// A file, and what it is.
    struct Input {
        let role: String
        /// The last part of its path.
        let name: String
        let content: any Artifact

        init(_ role: String, path: String, _ content: any Artifact) {
            self.role = role
            name = path == "-" ? "standard input" : String(path.split(separator: "/").last ?? "")
            self.content = content
        }

        func digest() throws -> String { "sha256:" + Hex.encode(try RegisterHash.sha256.digest(of: content)) }
    }

    var values: [Value] = []
    var inputs: [Input] = []
    /// What else the values depend on, each in a few words.
    var settings: [String] = []

    /// Opens a file that may be large, and remembers that the values depend on it.
    mutating func open(_ path: String, as role: String) throws -> FileArtifact {
        let file = try FileArtifact(path)
        inputs.append(Input(role, path: path, file))
        return file
    }

    /// Reads a file that is small enough to be held, and remembers that the values depend on it.
    mutating func read(_ path: String, as role: String, limit: Int) throws -> [UInt8] {
        let bytes = try InputFile.read(path, limit: limit)
        inputs.append(Input(role, path: path, MemoryArtifact(bytes)))
        return bytes
    }

    /// The digest alone when there is only one, so that scripts can take it; otherwise a table.
    var text: String {
        if values.count == 1, let value = values.first { return value.text }
        var table = Table(["NAME", "VALUE"])
        for value in values { table.add([value.name, value.text]) }
        return table.text()
    }

    func json() throws -> JSONValue {
        let files = try inputs.map { input -> JSONValue in
            ["role": .string(input.role), "name": .string(input.name), "digest": .string(try input.digest())]
        }
        let list = values.map { value -> JSONValue in
            ["name": .string(value.name), "value": .string(value.text), "meaning": .string(value.meaning)]
        }
        return ["values": .array(list), "inputs": .array(files), "settings": .array(settings.map { .string($0) })]
    }
}

extension MeasureReport {
    /// What a document says beside the values.
    struct Heading {
        let name: String
        let namespace: String?
        let state: String
        let validUntil: String?
        let builtBy: String
    }

    private static let longestField = 1024
    private static let longestName = 64

    /// The values as a `ReferenceValues` document, read back with the reader that brokers have.
    func document(_ heading: Heading, now: Date) throws -> String {
        var metadata: JSONObject = ["name": .string(heading.name)]
        metadata["namespace"] = heading.namespace.map { .string($0) }
        let provenance = try provenance(heading, now)
        let entries = values.map { value -> JSONValue in
            var entry: JSONObject = ["name": .string(value.name)]
            if value.isSingle {
                entry["value"] = .string(value.text)
            } else {
                entry["values"] = [.string(value.text)]
            }
            entry["state"] = .string(heading.state)
            entry["validUntil"] = heading.validUntil.map { .string($0) }
            entry["description"] = .string(([value.meaning] + settings).joined(separator: "; ").printable)
            entry["provenance"] = provenance
            return .object(entry)
        }
        let document: JSONValue = [
            "apiVersion": "claviger.dev/v1alpha1", "kind": "ReferenceValues", "metadata": .object(metadata),
            "spec": ["values": .array(entries)],
        ]
        let text = EscapedText.yaml(YAMLText.text(document))
        _ = try PolicyParser.parse(text, source: "the document")
        return text
    }

    private func provenance(_ heading: Heading, _ now: Date) throws -> JSONValue {
        var provenance: JSONObject = [:]
        if !inputs.isEmpty {
            let names = inputs.map { "\($0.role) \(Self.clipped($0.name.printable, Self.longestName))" }
            let digests = try inputs.map { "\($0.role) \(try $0.digest())" }
            guard digests.joined(separator: ", ").utf8.count <= Self.longestField else {
                throw CommandFailure("these are more files than the provenance of a value can name")
            }
            provenance["source"] = .string(Self.clipped(names.joined(separator: ", "), Self.longestField))
            provenance["digest"] = .string(digests.joined(separator: ", "))
        }
        provenance["builtBy"] = .string(heading.builtBy)
        provenance["date"] = .string(TimestampText.text(now))
        return .object(provenance)
    }

    /// The text, or its beginning with at most `size` bytes.
    private static func clipped(_ text: String, _ size: Int) -> String {
        guard text.utf8.count > size else { return text }
        var clipped = Substring(text)
        while clipped.utf8.count > size - 3 { clipped.removeLast() }
        return clipped + "…"
    }
}
