import Encodings
import Verification

/// A message that registers reference values (kbs-protocol section 6.1).
enum RVPSMessage {
    /// Values that only the sender answers for.
    case values([(name: String, value: JSONValue)])
    /// A manifest whose signature must be good.
    case manifest([UInt8])

    private static let version: JSONValue = "0.1.0"

    /// Reads a message. Throws `malformed` for anything else, with the words that clients know.
    init(parsing body: [UInt8]) throws(BrokerError) {
        guard let message = try? JSONObject(parsing: body), let type = message["type"]?.stringValue,
            let payload = message["payload"]?.stringValue
        else { throw .valuesRefused("Failed to parse reference value message") }
        guard (message["version"] ?? Self.version) == Self.version else {
            throw .valuesRefused("Failed to register reference value: the version of the message is not 0.1.0")
        }
        switch type {
        case "sample": self = .values(try Self.sample(payload))
        case "corim":
            let bytes = try Self.bytes(payload)
            self = CoRIMValues.isSigned(bytes) ? .manifest(bytes) : .values(try Self.manifest(bytes))
        case "in-toto", "uvm": self = .manifest(try Self.bytes(payload))
        default:
            throw .valuesRefused(
                "Failed to register reference value: Could not find extractor for \(type.prefix(64).description.printable)"
            )
        }
    }

    private static func sample(_ payload: String) throws(BrokerError) -> [(name: String, value: JSONValue)] {
        guard let bytes = try? Base64.decode(payload), let values = try? JSONObject(parsing: bytes), !values.isEmpty
        else {
            throw .valuesRefused("Failed to register reference value: the payload is no JSON object in base64")
        }
        return values.map { ($0.name, $0.value) }
    }

    /// The values of a CoRIM that nobody signed; lists of one name are put together.
    private static func manifest(_ bytes: [UInt8]) throws(BrokerError) -> [(name: String, value: JSONValue)] {
        let values: [ManifestValue]
        do throws(ManifestError) {
            values = try CoRIMValues.unsigned(bytes).merged()
        } catch {
            throw .valuesRefused("Failed to register reference value: \(error.message)")
        }
        guard !values.isEmpty else {
            throw .valuesRefused("Failed to register reference value: the manifest has no values")
        }
        return values.map { ($0.name, $0.value) }
    }

    private static func bytes(_ payload: String) throws(BrokerError) -> [UInt8] {
        guard let bytes = try? Base64.decode(payload) else {
            throw .valuesRefused("Failed to register reference value: the payload is not in base64")
        }
        return bytes
    }
}

extension BrokerError {
    static func valuesRefused(_ cause: String) -> BrokerError {
        .malformed("RvpsError", code: "reference_value_refused", "RVPS configuration failed: \(cause)")
    }
}
