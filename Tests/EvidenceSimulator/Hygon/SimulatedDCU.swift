import Encodings
import RATS
import Verification
import X509TestSupport

/// An accelerator of the stand-in for Hygon. Everything that its report says can be changed before it is signed.
package struct SimulatedDCU: Sendable {
    /// The makers of the chip, and its key.
    package var hygon: SimulatedHygon
    /// The identifier of the chip, 16 bytes.
    package var chipID: [UInt8]
    /// The measurement of the firmware, 32 bytes.
    package var measure = [UInt8](repeating: 0x5D, count: 32)
    /// Whether the certificates of the chip are sent along.
    package var sendsCertificates = true

    /// An accelerator that nothing is wrong with, with a key of its own under the authorities of `hygon`.
    package init(_ hygon: SimulatedHygon, number: UInt8 = 1) throws {
        self.hygon = try hygon.twin { $0.chip = try SimulatedHygon.Signer("CEK-\(number)") }
        chipID = [UInt8](repeating: 0x4B, count: 15) + [number]
    }

    /// This accelerator with changes; it signs again whenever it is asked.
    package func twin(_ change: (inout SimulatedDCU) throws -> Void) rethrows -> SimulatedDCU {
        var twin = self
        try change(&twin)
        return twin
    }

    /// The certificates of signing key and chip one after the other, as Hygon serves them.
    package func certificates() throws -> [UInt8] { try hygon.authorityCertificate() + hygon.chipCertificate() }

    /// The report, with zeros after the digest that it is bound to.
    package func report(bound digest: [UInt8]) throws -> [UInt8] {
        let body: [UInt8] =
            [1, 0, 0, 0] + chipID + padded(digest, to: 64) + measure + [UInt8](repeating: 0, count: 128)
            + [0x04, 0x10, 0, 0, 4, 0, 0, 0]
        return try body + hygon.chip.sign(body)
    }

    /// One item of the evidence, field by field as agents send it.
    package func item(bound digest: [UInt8]) throws -> JSONValue {
        let bytes = try report(bound: digest)
        func list(_ range: Range<Int>) -> JSONValue { .array(bytes[range].map { .int(Int64($0)) }) }
        var item: JSONObject = [
            "body": [
                "version": 1, "chip_id": list(4..<20), "user_data": list(20..<84), "measure": list(84..<116),
                "reserved": list(116..<244), "sig_usage": 0x1004, "sig_algo": 4,
            ],
            "sig": ["r": list(252..<324), "s": list(324..<396)],
        ]
        if sendsCertificates {
            item["hsk_cek"] = [
                "hsk": .string(Base64.encode(try hygon.authorityCertificate())),
                "cek": .string(Base64.encode(try hygon.chipCertificate())),
            ]
        }
        return .object(item)
    }

    /// Fresh evidence of several accelerators that is bound to a digest.
    package static func evidence(of all: [SimulatedDCU], bound digest: [UInt8]) throws -> Evidence {
        Evidence(
            tee: .hygondcu, content: ["attestation_reports": .array(try all.map { try $0.item(bound: digest) })])
    }
}
