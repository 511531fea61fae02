public import Encodings
public import FoundationEssentials

/// A reference value as the reference broker's provider keeps it in its storage (kbs-protocol section 6.2).
public struct ReferenceValueRecord: Sendable, Hashable {
    /// The version of the record's form.
    public let version: String
    /// The value's name.
    public let name: String
    /// When it ceases to count, in whole seconds.
    public let expiration: Date
    /// The value: any JSON.
    public let value: JSONValue

    private static let members: Set = ["version", "name", "expiration", "value"]

    /// A record from its parts.
    public init(version: String, name: String, expiration: Date, value: JSONValue) {
        self.version = version
        self.name = name
        self.expiration = expiration
        self.value = value
    }

    /// Reads a record: these four members and no others, the time in UTC and whole seconds.
    ///
    /// Throws ``KBSProtocolError`` (`malformed_message`).
    public init(_ json: JSONValue) throws(KBSProtocolError) {
        guard let object = json.objectValue, object.count == Self.members.count,
            object.names.allSatisfy(Self.members.contains), let version = object["version"]?.stringValue,
            let name = object["name"]?.stringValue, let value = object["value"],
            let text = object["expiration"]?.stringValue
        else { throw .malformed("A record of a reference value has a version, a name, an expiration and a value.") }
        guard text.utf8.count == 20, text.hasSuffix("Z"), let expiration = try? Date(text, strategy: .iso8601) else {
            throw .malformed("The expiration of a reference value is written like 2027-01-31T12:00:00Z.")
        }
        self.init(version: version, name: name, expiration: expiration, value: value)
    }

    /// The record as JSON.
    public var json: JSONValue {
        [
            "version": .string(version), "name": .string(name),
            "expiration": .string(expiration.formatted(.iso8601)), "value": value,
        ]
    }
}
