import Encodings
import RATS

/// What a platform proves of a launch: `{"measure": 32 bytes, "mnonce": 16 bytes}`, or `{"measurement": base64}` with the two
/// one after the other, as hypervisors show them.
struct SEVEvidence: Sendable {
    /// The measure, 32 bytes.
    let measure: [UInt8]
    /// The platform's nonce, 16 bytes.
    let nonce: [UInt8]

    init(_ content: JSONValue) throws(VerificationError) {
        guard let object = content.objectValue else { throw .malformed("A SEV measurement is no JSON object.") }
        if let whole = object["measurement"] {
            guard object["measure"] == nil, object["mnonce"] == nil, whole.stringValue != nil,
                let bytes = CSVFields.bytes(whole, atMost: 48), bytes.count == 48
            else { throw .malformed("measurement is not 48 bytes in base64.") }
            (measure, nonce) = (Array(bytes[..<32]), Array(bytes[32...]))
            return
        }
        guard let measure = CSVFields.bytes(object["measure"], atMost: 32), measure.count == 32,
            let nonce = CSVFields.bytes(object["mnonce"], atMost: 16), nonce.count == 16
        else { throw .malformed("A SEV measurement needs measure (32 bytes) and mnonce (16 bytes).") }
        (self.measure, self.nonce) = (measure, nonce)
    }

    var blob: [UInt8] { measure + nonce }
}
