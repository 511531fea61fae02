public import Encodings
import FoundationEssentials
import Policy
import Storage

extension Broker {
    private static let maximumNameBytes = 1_024

    /// Registers the reference values of an RVPS message (kbs-protocol section 6.1), all of them or none.
    ///
    /// Only messages of type `sample` are read. The values count for twelve calendar months and not a moment longer.
    public func registerReferenceValues(message body: [UInt8], by author: String) async throws(BrokerError) {
        let values = try Self.values(inMessage: body)
        let expires = Self.twelveMonths(after: environment.clock.now())
        try await store(values, expires: expires, by: author)
    }

    /// Stores one reference value.
    ///
    /// - Parameter expires: A string with an RFC 3339 time, or nothing for twelve months.
    public func putReferenceValue(
        _ name: String, value: JSONValue, expires: JSONValue?, by author: String
    ) async throws(BrokerError) {
        let now = environment.clock.now()
        var end = Self.twelveMonths(after: now)
        if let expires, !expires.isNull {
            guard let text = expires.stringValue, let date = try? Date(text, strategy: .iso8601), date > now else {
                throw Self.refused("`expires` must be a time in the future, such as 2027-11-21T04:00:00Z")
            }
            end = date
        }
        try await store([(name, value)], expires: end, by: author)
    }

    /// A registered value that counts now; throws `notFound` for one that is not there or has expired.
    public func referenceValue(_ name: String) async throws(BrokerError) -> JSONValue {
        let stored = try await storing { () async throws(StorageError) in try await registeredValues.get(name: name) }
        guard let stored, stored.expires.map({ environment.clock.now() < $0 }) ?? true,
            let value = try? JSONValue(parsing: stored.value)
        else {
            throw .notFound(
                "RvpsError",
                "RVPS configuration failed: Failed to get reference_values: No reference value found for the given id: \(name)"
            )
        }
        return value
    }

    /// All registered values that count now, by name.
    public func referenceValues() async throws(BrokerError) -> JSONObject {
        let now = environment.clock.now()
        var object = JSONObject()
        for stored in try await storedValues() where stored.expires.map({ now < $0 }) ?? true {
            object[stored.name] = try? JSONValue(parsing: stored.value)
        }
        return object
    }

    /// Removes a registered value; throws `notFound` when there is none.
    public func deleteReferenceValue(_ name: String, by author: String) async throws(BrokerError) {
        try requireUnsignedPoliciesAllowed()
        let generation = try await storing { () async throws(StorageError) in
            try await registeredValues.delete(name: name, by: author)
        }
        guard generation != nil else { throw .notFound("RvpsError", "There is no reference value of this name") }
        _ = try await policies.current()
    }

    private func storedValues() async throws(BrokerError) -> [StoredReferenceValue] {
        try await storing { () async throws(StorageError) in try await registeredValues.list() }
    }

    private func store(
        _ values: [(String, JSONValue)], expires: Date, by author: String
    ) async throws(BrokerError) {
        try requireUnsignedPoliciesAllowed()
        for (name, _) in values where name.isEmpty || name.utf8.count > Self.maximumNameBytes || name.utf8.contains(0) {
            throw Self.refused("a name is empty, too long or holds a NUL character")
        }
        let texts = values.map { (name: $0.0, value: $0.1.serializedString()) }
        try await changingPolicies { stored throws(BrokerError) in
            try requireNoConflict(between: values, and: try parse(stored.policies))
            _ = try await storing { () async throws(StorageError) in
                try await registeredValues.put(texts, expires: expires, by: author, after: stored.generation)
            }
        }
        _ = try await policies.current()
    }

    /// A name that a policy document gives already would make the whole bundle ambiguous.
    private func requireNoConflict(
        between values: [(String, JSONValue)], and documents: [PolicyDocument]
    ) throws(BrokerError) {
        var registered: [String: JSONValue] = [:]
        for (name, value) in values { registered[name] = value }
        do throws(PolicyError) {
            _ = try PolicyBundle(documents, registered: .init(registered))
        } catch {
            throw Self.refused(error.description)
        }
    }

    private static func values(inMessage body: [UInt8]) throws(BrokerError) -> [(String, JSONValue)] {
        guard let message = try? JSONObject(parsing: body), let type = message["type"]?.stringValue,
            let payload = message["payload"]?.stringValue
        else { throw refused("Failed to parse reference value message") }
        guard (message["version"] ?? "0.1.0") == .string("0.1.0") else {
            throw refused("Failed to register reference value: the version of the message is not 0.1.0")
        }
        guard type == "sample" else {
            throw refused("Failed to register reference value: Could not find extractor for \(type.prefix(64))")
        }
        guard let bytes = try? Base64.decode(payload), let values = try? JSONObject(parsing: bytes), !values.isEmpty
        else {
            throw refused("Failed to register reference value: the payload is no JSON object in base64")
        }
        return values.map { ($0.name, $0.value) }
    }

    private static func refused(_ cause: String) -> BrokerError {
        .malformed("RvpsError", code: "reference_value_refused", "RVPS configuration failed: \(cause)")
    }

    private static func twelveMonths(after now: Date) -> Date {
        let start = Date(wholeSeconds: now.wholeSeconds)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(byAdding: .month, value: 12, to: start) ?? start.addingTimeInterval(365 * 86_400)
    }
}
