import Encodings
import RATS

/// What a Secure Execution guest answers, all in base64: `measurement`, `additional_data`, `user_data`, `cuid`, and what it
/// only passes back: `encr_measurement_key`, `encr_request_nonce` and `image_hdr_tags`.
struct SEEvidence: Sendable {
    let measurement: [UInt8]
    /// The hashes of the host keys that opened the image and the request, 32 bytes each.
    let additionalData: [UInt8]
    let userData: [UInt8]
    let configurationID: [UInt8]
    /// The digests and tag of the image's header as the guest passes them back; empty when it does not.
    let imageTags: [UInt8]

    static let tagsByteCount = 208

    init(_ content: JSONValue) throws(VerificationError) {
        guard let object = content.objectValue else { throw .malformed("Secure Execution evidence is no JSON object.") }
        measurement = try Self.bytes(object, "measurement", 64...64)
        additionalData = try Self.bytes(object, "additional_data", 64...64)
        userData = try Self.bytes(object, "user_data", 1...256)
        configurationID = try Self.bytes(object, "cuid", 16...16)
        imageTags = try Self.optionalBytes(object, "image_hdr_tags") ?? []
        guard [0, Self.tagsByteCount].contains(imageTags.count) else {
            throw .malformed("image_hdr_tags has not \(Self.tagsByteCount) bytes.")
        }
        // The key and the nonce never leave the broker in clear or sealed, so nothing comes back.
        for name in ["encr_measurement_key", "encr_request_nonce"] {
            guard try Self.optionalBytes(object, name) ?? [] == [] else {
                throw .malformed("\(name) is not what the request had there.")
            }
        }
    }

    var imageKeyHash: [UInt8] { Array(additionalData[..<32]) }
    var attestationKeyHash: [UInt8] { Array(additionalData[32...]) }

    private static func bytes(
        _ object: JSONObject, _ name: String, _ sizes: ClosedRange<Int>
    ) throws(VerificationError) -> [UInt8] {
        guard let bytes = try optionalBytes(object, name), sizes.contains(bytes.count) else {
            throw .malformed("\(name) is missing, or has a size that it must not have.")
        }
        return bytes
    }

    private static func optionalBytes(_ object: JSONObject, _ name: String) throws(VerificationError) -> [UInt8]? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.stringValue, text.utf8.count <= 4096, let bytes = try? Base64.decode(text) else {
            throw .malformed("\(name) is no base64 text.")
        }
        return bytes
    }
}
