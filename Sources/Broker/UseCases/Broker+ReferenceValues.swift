public import Encodings
import FoundationEssentials
import Policy
import Storage

extension Broker {
    private static let maximumNameBytes = 1_024

    /// Registers the reference values of an RVPS message (kbs-protocol section 6.1), all of them or none.
    ///
    /// Messages of type `sample`, and of type `corim` that nobody signed, are the sender's word: their values count for twelve
    /// calendar months and not a moment longer. Signed ones of type `corim`, `in-toto` and `uvm` are imported as
    /// ``importReferenceManifest(_:dryRun:by:)`` does.
    public func registerReferenceValues(message body: [UInt8], by author: String) async throws(BrokerError) {
        switch try RVPSMessage(parsing: body) {
        case .values(let values):
            let expires = Self.twelveMonths(after: environment.clock.now())
            try await store(values.map { ($0.name, $0.value) }, expires: expires, by: author)
        case .manifest(let bytes): _ = try await importReferenceManifest(bytes, dryRun: false, by: author)
        }
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
                throw .valuesRefused("`expires` must be a time in the future, such as 2027-11-21T04:00:00Z")
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
        try requireUnsignedValuesAllowed()
        for (name, _) in values where name.isEmpty || name.utf8.count > Self.maximumNameBytes || name.utf8.contains(0) {
            throw .valuesRefused("a name is empty, too long or holds a NUL character")
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
            throw .valuesRefused(error.description)
        }
    }

    private static func twelveMonths(after now: Date) -> Date {
        let start = Date(wholeSeconds: now.wholeSeconds)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar.date(byAdding: .month, value: 12, to: start) ?? start.addingTimeInterval(365 * 86_400)
    }
}
