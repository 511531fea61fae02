public import Encodings

extension EventLog {
    /// The claim `uefi_event_logs`: an object for each event.
    ///
    /// Members are `index`, `type_name`, `digests`, `event` (base64), `digest_matches_event` and `details`. Take them
    /// from a log that was replayed, or they are what anybody wrote.
    public var claims: JSONValue {
        .array(events.map { .object($0.claims) })
    }
}

extension EventLog.Event {
    var claims: JSONObject {
        let data = data
        let matches = digestMatchesEvent
        let digests = digests.map { digest -> JSONValue in
            ["alg": .string(digest.algorithm.name), "digest": .string(Hex.encode(digest.value))]
        }
        return [
            "details": .object(EventDetails.json(of: data, type: type, isProved: matches)),
            "digest_matches_event": .bool(matches),
            "digests": .array(digests),
            "event": .string(Base64.encode(data)),
            "index": .int(Int64(index)),
            "type_name": .string(type.name),
        ]
    }
}
