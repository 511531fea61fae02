import Broker
import Encodings

/// Brokered secrets: values come in here, and none ever goes out.
extension BrokerResponder {
    private static let members: Set = ["fence", "uid", "generation", "spec", "value", "sequence"]

    /// `PUT` of `{"fence": …, "uid": …, "generation": …, "spec": {…}}`, with `value` (base64) for what says `secretRef`, and a
    /// `sequence` from who counts his requests.
    func writeSecret(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = try object(exchange.body, "SecretError")
        if let stranger = request.names.first(where: { !Self.members.contains($0) }) {
            throw Self.refused("The member \(stranger.prefix(64)) is not known")
        }
        guard let fence = request["fence"]?.intValue, let uid = request["uid"]?.stringValue,
            let generation = request["generation"]?.intValue, let spec = request["spec"], spec.objectValue != nil
        else { throw Self.refused("`fence`, `uid`, `generation` and `spec` must be there") }
        var value: SecretBytes?
        if let member = request["value"] {
            guard let text = member.stringValue, var bytes = try? Base64.decode(text) else {
                throw Self.refused("`value` must be base64")
            }
            value = SecretBytes(wiping: &bytes)
        }
        let sequence = request["sequence"] ?? .null
        guard sequence == .null || (sequence.intValue ?? -1) >= 0 else {
            throw Self.refused("`sequence` is a whole number from 0")
        }
        return .json(
            try await broker.applySecret(
                SecretRequest(
                    source: exchange.parameter("source"), namespace: exchange.parameter("namespace"),
                    name: exchange.parameter("name"), fence: fence, uid: uid, generation: generation, spec: spec,
                    value: value, sequence: sequence.intValue), by: exchange.author))
    }

    /// `DELETE` with the query `fence`, `uid`, `sequence` from who counts his requests and, if the object's own is not to hold,
    /// `deletionPolicy`.
    func deleteSecret(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        guard let fence = exchange.query["fence"].flatMap({ Int64($0) }) else { throw .invalidParameter("fence") }
        guard let uid = exchange.query["uid"] else { throw .invalidParameter("uid") }
        let sequence = exchange.query["sequence"].map { Int64($0) ?? -1 }
        guard sequence ?? 0 >= 0 else { throw .invalidParameter("sequence") }
        return .json(
            try await broker.removeSecret(
                SecretRemoval(
                    source: exchange.parameter("source"), namespace: exchange.parameter("namespace"),
                    name: exchange.parameter("name"), fence: fence, uid: uid,
                    deletionPolicy: exchange.query["deletionPolicy"], sequence: sequence), by: exchange.author))
    }

    private static func refused(_ message: String) -> BrokerError {
        BrokerError(kind: .malformed, variant: "SecretError", code: "malformed_message", message: message)
    }
}
