import Encodings

/// Reads members of the image's JSON documents, with errors that name the document.
enum JSONDocument {
    static func object(_ bytes: [UInt8], of document: String) throws -> JSONObject {
        do {
            guard case .object(let object) = try JSONValue(parsing: bytes, limits: JSONLimits(maximumBytes: 4 << 20))
            else {
                throw ImageEncryptionError(.malformed, "the \(document) is not a JSON object")
            }
            return object
        } catch let error as JSONError {
            throw ImageEncryptionError(.malformed, "the \(document) is not valid JSON: \(error.message)")
        }
    }

    static func string(_ member: String, in object: JSONObject, of document: String) throws -> String {
        guard let text = object[member]?.stringValue else {
            throw ImageEncryptionError(.malformed, "\"\(member)\" of the \(document) is missing or no string")
        }
        return text
    }

    static func base64(_ member: String, in object: JSONObject, of document: String) throws -> [UInt8] {
        let text = try string(member, in: object, of: document)
        do {
            return try Base64.decode(text)
        } catch {
            throw ImageEncryptionError(.malformed, "\"\(member)\" of the \(document) is not base64")
        }
    }
}
