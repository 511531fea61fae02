import Encodings
import RATS

/// Evidence of IBM Secure Execution guests. What is to be measured the verifier asks for in its challenge: the nonce is a
/// request for the ultravisor.
struct SEAttester: HardwareAttester {
    static let guestBit = "/sys/firmware/uv/prot_virt_guest"
    let tee = TEE.se
    let kernel: any Kernel

    /// The verifier's request with the digest of the session's nonce and key in it.
    func boundData(digest: [UInt8], nonce: String) throws(GuestError) -> [UInt8] {
        var request = try SERequest(parsing: Array(nonce.utf8))
        request.runtimeDataDigest = digest
        return JSONValue.object(request.json).serialized()
    }

    /// `{"measurement","additional_data","user_data","cuid",…}`, all base64.
    ///
    /// - Parameter reportData: the JSON text of a request with `runtime_data_digest`.
    func collect(_ reportData: [UInt8]) throws(GuestError) -> JSONValue {
        let request = try SERequest(parsing: reportData)
        guard let digest = request.runtimeDataDigest else {
            throw GuestError(
                .invalidRequest, "The request to the ultravisor has no runtime_data_digest to bind evidence to.")
        }
        let userData = try ReportDataField.padded(digest)
        let measured = try Ultravisor(kernel: kernel).measure(request, userData: userData)
        return [
            "measurement": .base64(measured.measurement), "additional_data": .base64(measured.additionalData),
            "user_data": .base64(userData), "cuid": .base64(measured.configurationID),
            "encr_measurement_key": .base64(request.encryptedMeasurementKey),
            "encr_request_nonce": .base64(request.encryptedNonce), "image_hdr_tags": .base64(request.imageHeaderTags),
        ]
    }
}

/// What a verifier wants to know of a Secure Execution guest.
struct SERequest: Sendable, Hashable {
    /// The attestation request control block, sealed for the ultravisor.
    let block: [UInt8]
    /// How long the measurement is.
    let measurementSize: UInt32
    /// How long the additional data are.
    let additionalSize: UInt32
    /// For the verifier: the key of the measurement, sealed for itself.
    let encryptedMeasurementKey: [UInt8]
    /// For the verifier: the nonce in the block, sealed for itself.
    let encryptedNonce: [UInt8]
    /// For the verifier: the tags of the image's header, 208 bytes.
    let imageHeaderTags: [UInt8]
    /// The digest that the measurement is to cover.
    var runtimeDataDigest: [UInt8]?

    /// Reads a request.
    ///
    /// - Throws: `invalid_request` when a member is missing or no base64, or a size is more than the kernel takes.
    init(parsing text: [UInt8]) throws(GuestError) {
        guard case .object(let object)? = try? JSONValue(parsing: text) else {
            throw GuestError(
                .invalidRequest,
                "Evidence of this TEE needs the verifier's request, which is a JSON object in the challenge's nonce.")
        }
        block = try Self.bytes("request_blob", of: object)
        measurementSize = try Self.size("measurement_size", of: object)
        additionalSize = try Self.size("additional_size", of: object)
        encryptedMeasurementKey = try Self.bytes("encr_measurement_key", of: object)
        encryptedNonce = try Self.bytes("encr_request_nonce", of: object)
        imageHeaderTags = try Self.bytes("image_hdr_tags", of: object)
        let hasDigest = !(object["runtime_data_digest"] ?? .null).isNull
        runtimeDataDigest = hasDigest ? try Self.bytes("runtime_data_digest", of: object) : nil
        guard (1...Ultravisor.mostBlockBytes).contains(block.count), measurementSize > 0 else {
            throw GuestError(.invalidRequest, "The request to the ultravisor is empty, too large, or measures nothing.")
        }
    }

    /// The request as JSON; a digest that is not there is left out.
    var json: JSONObject {
        var object: JSONObject = [
            "request_blob": .base64(block), "measurement_size": .int(Int64(measurementSize)),
            "additional_size": .int(Int64(additionalSize)), "encr_measurement_key": .base64(encryptedMeasurementKey),
            "encr_request_nonce": .base64(encryptedNonce), "image_hdr_tags": .base64(imageHeaderTags),
        ]
        if let runtimeDataDigest { object["runtime_data_digest"] = .base64(runtimeDataDigest) }
        return object
    }

    private static func bytes(_ name: String, of object: JSONObject) throws(GuestError) -> [UInt8] {
        guard let text = object[name]?.stringValue, let bytes = try? Base64.decode(text) else {
            throw GuestError(.invalidRequest, "The request to the ultravisor has no \(name) in base64.")
        }
        return bytes
    }

    private static func size(_ name: String, of object: JSONObject) throws(GuestError) -> UInt32 {
        guard let size = object[name]?.uintValue, size <= UInt64(Ultravisor.mostAnswerBytes) else {
            throw GuestError(
                .invalidRequest,
                "The request to the ultravisor has no \(name) from 0 to \(Ultravisor.mostAnswerBytes).")
        }
        return UInt32(size)
    }
}

extension JSONValue {
    /// Base64 with padding.
    static func base64(_ bytes: [UInt8]) -> JSONValue { .string(Base64.encode(bytes)) }
}
