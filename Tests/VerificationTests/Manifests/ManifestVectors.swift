import Encodings
import Foundation
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

/// Manifests, recorded and made.
enum ManifestVectors {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let uvmIssuer =
        "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2"
    static let measurement =
        "51068107cdc7ee3d89c7821b05bca6147eb77b2005ae759050fc049b65a1b0beabc65a9d857acecf23225f5ec76849f5"

    static func uvm() throws -> [UInt8] { try Vectors.bytes("manifests/uvm_reference_info.cose") }

    static let subject: JSONValue = [
        "name": "payments-guest", "digest": ["sha384": .string(String(repeating: "ab", count: 48))],
    ]

    static func statement(
        _ predicate: JSONValue, type: String = InTotoStatement.referenceValues, subjects: [JSONValue] = [subject]
    ) -> JSONValue {
        [
            "_type": "https://in-toto.io/Statement/v1", "subject": .array(subjects), "predicateType": .string(type),
            "predicate": predicate,
        ]
    }

    static let predicate: JSONValue = [
        "name": "payments-guest", "version": 3, "issuedAt": "2027-01-01T00:00:00Z",
        "validUntil": "2028-01-01T00:00:00Z", "builtBy": "ci-42",
        "values": [
            ["name": "snp_launch_measurement", "values": [.string(measurement)]], ["name": "svn", "value": 4],
        ],
    ]

    static func envelope(_ statement: JSONValue, _ keys: [TestKey], type: String = DSSEEnvelope.payloadType) throws
        -> [UInt8]
    {
        let payload = statement.serialized()
        let signatures = try keys.map { key -> JSONValue in
            let signature = try key.sign(DSSEEnvelope.signingInput(payload), key.publicKey.manifestAlgorithms[0])
            return ["keyid": "any", "sig": .string(Base64.encode(signature))]
        }
        let object: JSONValue = [
            "payloadType": .string(type), "payload": .string(Base64.encode(payload)),
            "signatures": .array(signatures),
        ]
        return object.serialized()
    }

    /// A CoRIM with one measurement, as its bytes before they are signed.
    static func corim(id: CBORValue = "maker", version: Int64 = 1, until end: Int64? = nil) -> [UInt8] {
        let measurement: CBORValue = [0: "firmware", 1: [2: [[1, .bytes(Array(repeating: 0xAB, count: 32))]]]]
        let module: CBORValue = [
            1: [0: "module", 1: CBORValue(version)],
            4: [0: [[[0: [1: "ACME", 2: "RoadRunner"]], [measurement]]]],
        ]
        var entries: [(CBORValue, CBORValue)] = [(0, id), (1, [.tagged(506, .bytes(module.encoded))])]
        if let end { entries.append((4, [1: .tagged(1, CBORValue(end))])) }
        return CBORValue.tagged(501, .map(CBORMap(entries))).encoded
    }

    static func signed(
        _ payload: [UInt8], _ key: TestKey, type: String = "application/rim+cbor"
    ) throws -> [UInt8] {
        let header = CBORValue.map(CBORMap([(1, -7), (3, .text(type))])).encoded
        let signature = try key.sign(
            COSESign1.signingInput(protected: header, payload: payload), .ecdsaRaw(.sha256))
        return CBORValue.tagged(18, [.bytes(header), [:], .bytes(payload), .bytes(signature)]).encoded
    }

    /// The code with which a manifest is refused; `nil` when it is believed.
    static func refusal(
        _ bytes: [UInt8], _ format: ManifestFormat, _ signer: ManifestSigner, at date: Date = now
    ) -> String? {
        do throws(ManifestError) {
            _ = try SignedManifest(parsing: bytes, format: format, signer: signer, at: date)
            return nil
        } catch {
            return error.code
        }
    }
}
