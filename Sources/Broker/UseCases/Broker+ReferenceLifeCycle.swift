public import Encodings
import FoundationEssentials
import Logging
import Policy
import Storage

extension Broker {
    /// Seconds before its end from which on a value is said to end soon.
    static let endingSoon: Double = 14 * 86_400

    /// All reference values, registered ones and those of documents, those that do not count included:
    /// `{"referenceValues": […]}`.
    public func referenceValueList() async throws(BrokerError) -> JSONValue {
        let now = environment.clock.now()
        let registered = try await storing { () async throws(StorageError) in try await registeredValues.list() }
        // An administrator sees what there is also when the newest policies do not compile.
        let declared = ((try? await policies.current()) ?? policies.latest).bundle.referenceValues(at: now)
        return [
            "referenceValues": .array(
                registered.map { .object($0.json(at: now)) } + declared.map { .object($0.json(at: now)) })
        ]
    }

    /// What became of a reference value over time, the newest change first: who changed its value, state or dates, and
    /// when. Documents that were deleted are part of it. Throws `notFound` when there never was one of that name.
    public func referenceValueHistory(_ name: String) async throws(BrokerError) -> JSONValue {
        let registered = try await storing { () async throws(StorageError) in
            try await registeredValues.history(name: name)
        }
        var changes: [(at: Date, json: JSONObject)] = registered.map { change in
            var json = change.json
            json["value"] = change.text.flatMap { try? JSONValue(parsing: $0) } ?? .null
            return (change.changedAt, json)
        }
        let documents = try await storing { () async throws(StorageError) in
            try await policyDocuments.everNamed(kind: PolicyKind.referenceValues.rawValue)
        }
        for key in documents {
            let history = try await storing { () async throws(StorageError) in try await policyDocuments.history(key) }
            changes += Self.changes(of: name, in: history)
        }
        guard !changes.isEmpty else {
            throw .notFound("RvpsError", "There never was a reference value of this name")
        }
        return [
            "name": .string(name),
            "history": .array(changes.sorted { $0.at > $1.at }.map { .object($0.json) }),
        ]
    }

    /// The changes of a document that changed what it says about one name.
    private static func changes(of name: String, in history: [PolicyChange]) -> [(at: Date, json: JSONObject)] {
        var result: [(at: Date, json: JSONObject)] = []
        var before: [ReferenceValueEntry] = []
        // The history is the newest first; what changed is seen from the oldest on.
        for change in history.reversed() {
            let after =
                change.text.flatMap { try? PolicyParser.parse($0, source: change.key.description) }?
                .flatMap { document -> [ReferenceValueEntry] in
                    guard case .referenceValues(let spec) = document.spec else { return [] }
                    return spec.values.filter { $0.name == name }
                } ?? []
            defer { before = after }
            guard !after.elementsEqual(before, by: { $0.saysTheSame(as: $1) }) else { continue }
            result.append(
                (
                    change.changedAt,
                    change.json.merging([
                        "document": .string(change.key.description),
                        "before": .array(before.map { .object($0.json()) }),
                        "after": .array(after.map { .object($0.json()) }),
                    ])
                ))
        }
        return result
    }

    /// Sets the gauges of the values that end some time, and says which end soon, once a day each.
    func watchReferenceValues() async {
        guard let registered = try? await registeredValues.list(), let current = try? await policies.current() else {
            return
        }
        let now = environment.clock.now()
        var ends: [ReferenceValueWatch.Name: Date] = [:]
        func note(_ name: String, _ namespace: String?, _ end: Date?) {
            guard let end else { return }
            let key = ReferenceValueWatch.Name(name: name, namespace: namespace ?? "")
            // Of lists that share a name the next to end is the one to know about.
            ends[key] = [ends[key], end].compactMap(\.self).min()
        }
        for value in registered { note(value.name, nil, value.expires) }
        for value in current.bundle.referenceValues(at: now) where value.entry.state != .revoked {
            note(value.entry.name, value.namespace, value.entry.validUntil)
        }
        for gone in referenceWatch.replace(with: Set(ends.keys)) {
            metrics.referenceValueExpiry(gone.name, namespace: gone.namespace, seconds: nil)
        }
        for (key, end) in ends {
            let left = end.timeIntervalSince(now)
            metrics.referenceValueExpiry(key.name, namespace: key.namespace, seconds: left.rounded())
            guard left < Self.endingSoon, referenceWatch.isDue(key, at: now.timeIntervalSince1970) else { continue }
            logger.warning(
                left > 0 ? "a reference value ends soon" : "a reference value has ended",
                metadata: ["name": "\(key.name)", "namespace": "\(key.namespace)", "end": "\(end.rfc3339)"])
        }
    }
}

extension StoredReferenceValue {
    fileprivate func json(at now: Date) -> JSONObject {
        let hasEnded = expires.map { $0 <= now } ?? false
        return [
            "name": .string(name), "value": (try? JSONValue(parsing: value)) ?? .null,
            "state": .string(ReferenceValueState.accepted.rawValue), "counts": .bool(!hasEnded),
            "expires": .optional(expires?.rfc3339), "daysLeft": .days(until: expires, from: now),
            "expired": .bool(hasEnded), "generation": .int(generation), "updatedAt": .string(updatedAt.rfc3339),
            "updatedBy": .string(updatedBy),
        ]
    }
}

extension ReferenceValueStatus {
    fileprivate func json(at now: Date) -> JSONObject {
        entry.json().merging([
            "document": .string(document), "namespace": .optional(namespace), "counts": .bool(counts),
            "expires": .optional(entry.validUntil?.rfc3339), "daysLeft": .days(until: entry.validUntil, from: now),
            "expired": .bool(entry.validUntil.map { $0 <= now } ?? false),
        ])
    }
}

extension ReferenceValueEntry {
    fileprivate func json() -> JSONObject {
        var object: JSONObject = [
            "name": .string(name), "value": value, "state": .string(state.rawValue),
            "validFrom": .optional(validFrom?.rfc3339), "validUntil": .optional(validUntil?.rfc3339),
            "description": .optional(description),
        ]
        if let provenance {
            object["provenance"] = .object([
                "source": .optional(provenance.source), "digest": .optional(provenance.digest),
                "builtBy": .optional(provenance.builtBy), "signedBy": .optional(provenance.signedBy),
                "date": .optional(provenance.date?.rfc3339),
            ])
        }
        return object
    }

    /// Whether both are the same but for where they stand in their texts.
    fileprivate func saysTheSame(as other: ReferenceValueEntry) -> Bool { json() == other.json() }
}

extension PolicyChange {
    fileprivate var json: JSONObject {
        [
            "generation": .int(generation), "change": .string(change.rawValue), "origin": .string(origin),
            "changedAt": .string(changedAt.rfc3339), "changedBy": .string(changedBy),
        ]
    }
}

extension JSONObject {
    fileprivate func merging(_ others: JSONObject) -> JSONObject {
        var result = self
        for (name, value) in others { result[name] = value }
        return result
    }
}

extension JSONValue {
    /// Whole days until a time, rounded towards zero; negative when it has passed.
    fileprivate static func days(until end: Date?, from now: Date) -> JSONValue {
        end.map { .int(Int64(($0.timeIntervalSince(now) / 86_400).rounded(.towardZero))) } ?? .null
    }
}
