import Encodings
import Foundation
import KBSProtocol
import Testing

@Suite("Stored reference values of the reference broker")
struct ReferenceValueRecordTests {
    @Test("KBS 12.8.50: a record is written and read in exactly the known form")
    func form() throws {
        let text = #"{"expiration":"1970-01-01T00:00:00Z","name":"artifact","version":"1.0.0","value":"abc"}"#
        let record = ReferenceValueRecord(
            version: "1.0.0", name: "artifact", expiration: Date(timeIntervalSince1970: 0), value: "abc")
        #expect(try ReferenceValueRecord(JSONValue(parsing: text)) == record)
        #expect(try record.json == JSONValue(parsing: text))
    }

    @Test(
        "anything else is refused",
        arguments: [
            #"{}"#, #"[]"#, #"{"expiration":"1970-01-01T00:00:00Z","name":"a","version":"1.0.0"}"#,
            #"{"expiration":"1970-01-01T00:00:00.5Z","name":"a","version":"1.0.0","value":1}"#,
            #"{"expiration":"1970-01-01T00:00:00+01:00","name":"a","version":"1.0.0","value":1}"#,
            #"{"expiration":"soon","name":"a","version":"1.0.0","value":1}"#,
            #"{"expiration":"1970-01-01T00:00:00Z","name":1,"version":"1.0.0","value":1}"#,
            #"{"expiration":"1970-01-01T00:00:00Z","name":"a","version":"1.0.0","value":1,"more":1}"#,
        ])
    func malformed(text: String) throws {
        let json = try JSONValue(parsing: text)
        #expect(throws: KBSProtocolError.self) { _ = try ReferenceValueRecord(json) }
    }
}
