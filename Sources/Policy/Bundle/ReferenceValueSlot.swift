import CEL
import Encodings
import FoundationEssentials

/// All that one scope says about one name: a value, or lists that are put together, and what is revoked.
struct ReferenceValueSlot: Sendable {
    struct Entry: Sendable {
        /// The values' owner: a document's identifier, or words for the registration endpoint.
        let owner: String
        let json: JSONValue
        let isList: Bool
        let state: ReferenceValueState
        let validFrom: Date?
        let validUntil: Date?
        let provenance: ReferenceValueProvenance?
        let value: CELValue

        init(_ entry: ReferenceValueEntry, owner: String) {
            self.owner = owner
            json = entry.value
            // A list under `value` is compared like one under `values`, so it is revoked like one.
            isList = entry.isList || entry.value.arrayValue != nil
            state = entry.state
            validFrom = entry.validFrom
            validUntil = entry.validUntil
            provenance = entry.provenance
            value = CELValue(entry.value)
        }

        init(registered json: JSONValue) {
            owner = ReferenceValueTable.registeredOwner
            self.json = json
            isList = json.arrayValue != nil
            state = .accepted
            validFrom = nil
            validUntil = nil
            provenance = nil
            value = CELValue(json)
        }

        /// Why the entry does not count, as the end of a sentence.
        func flaw(_ now: Date) -> String? {
            guard state.counts else { return "is \(state.rawValue)" }
            if let from = validFrom, now < from { return "counts only from \(TimestampText.text(from))" }
            if let until = validUntil, now >= until { return "counted only until \(TimestampText.text(until))" }
            return nil
        }

        /// What an explanation should say when the entry was used.
        var notes: String? {
            var parts: [String] = []
            if state == .deprecated {
                parts.append(
                    "is deprecated and "
                        + (validUntil.map { "counts only until \(TimestampText.text($0))" } ?? "no end is set"))
            }
            if let summary = provenance?.summary { parts.append("comes \(summary)") }
            return parts.isEmpty ? nil : parts.joined(separator: "; it ")
        }
    }

    /// What is not revoked, in the order of the documents.
    var entries: [Entry] = []
    /// Revoked values, in the form of ``key(_:)``, with who revoked them.
    var revoked: [String: String] = [:]
    /// The owner of the first revocation.
    var revokedBy: String?

    mutating func add(_ entry: Entry) {
        guard entry.state == .revoked else { return entries.append(entry) }
        for value in entry.isList ? entry.json.arrayValue ?? [] : [entry.json] {
            revoked[Self.key(value)] = entry.owner
        }
        revokedBy = revokedBy ?? entry.owner
    }

    /// Texts that differ only in case are the same measurement to whoever revokes it.
    static func key(_ value: JSONValue) -> String { value.serializedString().lowercased() }
}
