public import Encodings

extension EventLog {
    /// The claim `uefi_event_logs`: an object for each event.
    ///
    /// Members are `index`, `type_name`, `digests`, `event` (base64), `digest_matches_event` and `details`. Take them
    /// from a log that was replayed, or they are what anybody wrote.
    public var claims: JSONValue {
        .array(events.map { .object($0.claims) })
    }

    /// Adds the claims of a log that was replayed: `uefi_event_logs`, and `uefi_event_log_findings` with what is odd
    /// about it.
    func add(to claims: inout JSONObject, in layout: Layout) {
        claims["uefi_event_logs"] = self.claims
        claims["uefi_event_log_findings"] = .array(findings(in: layout).map { .string($0.rawValue) })
    }
}

extension EventLog.Event {
    /// Whether the event is in a register that guests extend while they run: RTMR 3 in the log of a confidential VM, PCR 16
    /// and above in that of a platform. The host cannot have firmware measure its own text into these.
    var isInRuntimeRegister: Bool { index == 4 || index >= 16 }

    var claims: JSONObject {
        let data = data
        let matches = digestMatchesEvent
        // Nothing proves the digests of an event that was not measured.
        let digests = (isMeasured ? digests : []).map { digest -> JSONValue in
            ["alg": .string(digest.algorithm.name), "digest": .string(Hex.encode(digest.value))]
        }
        return [
            "details": .object(EventDetails.json(of: data, type: type, isProved: matches && isInRuntimeRegister)),
            "digest_matches_event": .bool(matches),
            "digests": .array(digests),
            "event": .string(Base64.encode(data)),
            "index": .int(Int64(index)),
            "type_name": .string(type.name),
        ]
    }
}
