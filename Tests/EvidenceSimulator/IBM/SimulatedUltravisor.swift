import Crypto
import Encodings
import Foundation
import RATS
import Verification
import X509Trust

/// A machine that opens requests for its host key and measures the guest that runs on it, as the ultravisor of IBM Z does.
package struct SimulatedUltravisor: Sendable {
    /// The host key.
    package var key: P521.KeyAgreement.PrivateKey
    /// The key that opened the guest's image, when it is another one.
    package var imageKey: P521.KeyAgreement.PrivateKey?
    /// The header of the guest's image.
    package var image: SEImageHeader
    /// The identifier of the guest.
    package var configurationID = [UInt8](repeating: 0x3F, count: 16)

    /// A machine with a key of its own, and a guest whose image was made for it.
    package init() throws {
        key = P521.KeyAgreement.PrivateKey()
        image = try SEImageHeader(parsing: Self.header(for: [key.publicKey]))
    }

    /// A machine with this key and image.
    package init(key: P521.KeyAgreement.PrivateKey, image: SEImageHeader) {
        self.key = key
        self.image = image
    }

    /// The header of an image for machines with these keys; the seed makes it another image.
    package static func header(for keys: [P521.KeyAgreement.PublicKey], seed: UInt8 = 0x60) -> [UInt8] {
        let size = 416 + 80 * keys.count + 128 + 16
        var header = Array("IBMSecEx".utf8) + number(0x100, 4) + number(size, 4)
        header += [UInt8](repeating: 0x4D, count: 12) + number(0, 4) + number(keys.count, 8) + number(128, 8)
        header += number(64, 8) + number(0, 8) + [UInt8](repeating: 0, count: 160)
        for part in 0..<3 { header += [UInt8](repeating: seed &+ UInt8(part), count: 64) }
        for key in keys { header += SEHostKey(key).hash + [UInt8](repeating: 0x78, count: 48) }
        return header + [UInt8](repeating: 0xEE, count: 128) + [UInt8](repeating: seed &+ 3, count: 16)
    }

    /// Evidence of the guest for a verifier's request (the JSON text in the challenge's nonce), bound to a digest.
    package func evidence(request: String, bound digest: [UInt8]) throws -> Evidence {
        let request = try JSONValue(parsing: request)
        let block = try Base64.decode(request["request_blob"]?.stringValue ?? "")
        let userData = padded(digest, to: 64)
        let additional = SEHostKey((imageKey ?? key).publicKey).hash + SEHostKey(key.publicKey).hash
        let secrets = try open(block)
        let measurement = SEMeasurement(
            tags: image.tags, configurationID: configurationID, userData: userData,
            nonce: Array(secrets[64..<80]), additionalData: additional)
        return Evidence(
            tee: .se,
            content: [
                "measurement": .string(Base64.encode(measurement.code(key: Array(secrets[..<64])))),
                "additional_data": .string(Base64.encode(additional)),
                "user_data": .string(Base64.encode(userData)), "cuid": .string(Base64.encode(configurationID)),
                "encr_measurement_key": request["encr_measurement_key"] ?? "",
                "encr_request_nonce": request["encr_request_nonce"] ?? "",
                "image_hdr_tags": request["image_hdr_tags"] ?? "",
            ])
    }

    /// The measurement key and nonce in a request, for which one of its slots must be for this machine.
    package func open(_ block: [UInt8]) throws -> [UInt8] {
        guard block.count > 320, block[..<8].allSatisfy({ $0 == 0 }) else { throw SimulationError("it is no request") }
        let slots = Int(block[39])
        let (end, tag) = (224 + 80 * slots, block.count - 16)
        guard end + 80 == tag else { throw SimulationError("its parts do not add up") }
        let own = SEHostKey(key.publicKey).hash
        let places = stride(from: 224, to: end, by: 80)
        guard let place = places.first(where: { Array(block[$0..<($0 + 32)]) == own }) else {
            throw SimulationError("the request is for other machines")
        }
        let point = [4] + block[78..<144] + block[158..<224]
        let customer = try P521.KeyAgreement.PublicKey(x963Representation: point)
        let wrapping = try SEAttestationRequest.wrappingKey(key, customer)
        let protection = try AES.GCM.open(
            AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: [UInt8](repeating: 0, count: 12)),
                ciphertext: block[(place + 32)..<(place + 64)], tag: block[(place + 64)..<(place + 80)]),
            using: wrapping)
        return Array(
            try AES.GCM.open(
                AES.GCM.SealedBox(
                    nonce: AES.GCM.Nonce(data: block[16..<28]), ciphertext: block[end..<tag], tag: block[tag...]),
                using: SymmetricKey(data: protection), authenticating: block[..<end]))
    }

    private static func number(_ value: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
