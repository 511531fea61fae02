import Encodings
import FoundationEssentials

/// A statement of the in-toto attestation framework (version 0.1 or 1) about reference values.
package struct InTotoStatement {
    /// The type of the predicate that is made for reference values.
    package static let referenceValues = "https://claviger.dev/attestation/reference-values/v1"
    private static let types = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"]
    private static let provenance = ["https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"]
    private static let maximumSubjects = 256
    /// Digests that nobody can make two inputs for.
    private static let algorithms = ["sha256", "sha384", "sha512"]

    private let subjects: [(name: String, digests: [String])]
    private let predicateType: String
    private let predicate: JSONValue

    package init(parsing bytes: [UInt8]) throws(ManifestError) {
        guard let object = try? JSONObject(parsing: bytes), let type = object["_type"]?.stringValue,
            Self.types.contains(type), let predicateType = object["predicateType"]?.stringValue
        else { throw .malformed("It is no in-toto statement of version 0.1 or 1.") }
        guard let list = object["subject"]?.arrayValue, (1...Self.maximumSubjects).contains(list.count) else {
            throw .malformed("It has no subject, or more than \(Self.maximumSubjects).")
        }
        var subjects: [(name: String, digests: [String])] = []
        for entry in list { subjects.append(try Self.subject(entry)) }
        self.subjects = subjects
        self.predicateType = predicateType
        predicate = object["predicate"] ?? .null
    }

    func content(signedBy signer: String) throws(ManifestError) -> ManifestContent {
        switch predicateType {
        case Self.referenceValues: try declared(signer)
        case let type where Self.provenance.contains(type): try built(signer)
        default:
            throw .malformed("Its predicate is neither SLSA provenance nor \(Self.referenceValues).")
        }
    }

    private static func subject(_ entry: JSONValue) throws(ManifestError) -> (name: String, digests: [String]) {
        guard let name = entry["name"]?.stringValue, let digests = entry["digest"]?.objectValue else {
            throw .malformed("A subject has no name or no digest.")
        }
        var texts: [String] = []
        for algorithm in algorithms {
            guard let value = digests[algorithm] else { continue }
            guard let text = value.stringValue?.lowercased(), let bytes = try? Hex.decode(text),
                bytes.count == (Int(algorithm.dropFirst(3)) ?? 0) / 8
            else { throw .malformed("A digest of a subject is not what its name says.") }
            texts.append(text)
        }
        guard !texts.isEmpty else { throw .malformed("A subject has no digest of the SHA-2 family.") }
        return (name, texts)
    }

    /// What the values were measured on.
    private var subjectText: String {
        let text = subjects.map { "\($0.name) \($0.digests.joined(separator: " "))" }.joined(separator: ", ")
        return text.printable.clipped(to: 1_000)
    }

    /// Values that were made to be reference values.
    private func declared(_ signer: String) throws(ManifestError) -> ManifestContent {
        guard let name = predicate["name"]?.stringValue, let version = predicate["version"]?.intValue,
            let list = predicate["values"]?.arrayValue, !list.isEmpty
        else { throw .malformed("The predicate has no name, no version or no values.") }
        guard list.count <= ManifestValue.maximumCount else { throw .malformed("It has too many values.") }
        var values: [ManifestValue] = []
        for entry in list {
            guard let name = entry["name"]?.stringValue else { throw .malformed("A value has no name.") }
            switch (entry["value"], entry["values"]) {
            case (let value?, nil) where !value.isNull: values.append(try ManifestValue(name, value))
            case (nil, .array(let list)?) where !list.isEmpty: values.append(try ManifestValue(name, .array(list)))
            default: throw .malformed("A value says neither 'value' nor a list of 'values'.")
            }
        }
        var content = try ManifestContent(id: name, version: version, signedBy: signer, values: values)
        content.signedAt = try Self.date(predicate, "issuedAt")
        content.validFrom = try Self.date(predicate, "validFrom")
        content.validUntil = try Self.date(predicate, "validUntil")
        content.subject = subjectText
        content.builtBy = predicate["builtBy"]?.stringValue?.printable.clipped(to: 1_000)
        return content
    }

    /// Subjects of SLSA provenance: each digest is a value under the subject's name, and the end of the build is the version.
    private func built(_ signer: String) throws(ManifestError) -> ManifestContent {
        let details = predicate["runDetails"]
        let builder = (details?["builder"] ?? predicate["builder"])?["id"]?.stringValue
        let metadata = details?["metadata"] ?? predicate["metadata"] ?? .null
        let ends = [try Self.date(metadata, "finishedOn"), try Self.date(metadata, "buildFinishedOn")]
        guard let builder, let end = ends.compactMap(\.self).first else {
            throw .malformed("The provenance names no builder, or not when the build ended.")
        }
        var values: [ManifestValue] = []
        for subject in subjects {
            values.append(try ManifestValue(subject.name, .array(subject.digests.map { .string($0) })))
        }
        let names = Set(subjects.map(\.name)).sorted().joined(separator: " ")
        var content = try ManifestContent(
            id: "\(builder) \(names)".clipped(to: ManifestContent.maximumNameBytes),
            version: Int64(end.timeIntervalSince1970), signedBy: signer, values: values)
        content.signedAt = end
        content.subject = subjectText
        content.builtBy = builder.printable.clipped(to: 1_000)
        return content
    }

    private static func date(_ object: JSONValue, _ member: String) throws(ManifestError) -> Date? {
        guard let value = object[member], !value.isNull else { return nil }
        guard let text = value.stringValue, text.utf8.count <= 40, let date = date(text) else {
            throw .malformed("`\(member)` is no time of RFC 3339.")
        }
        return date
    }

    private static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}

extension String {
    /// The text, or its beginning with at most so many bytes of UTF-8.
    func clipped(to bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        var text = Substring(self)
        while text.utf8.count > bytes - 3 { text.removeLast() }
        return text + "…"
    }
}
