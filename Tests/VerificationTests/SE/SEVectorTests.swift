import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("Secure Execution: known answers")
struct SEVectorTests {
    private func bytes(_ value: JSONValue, _ name: String) throws -> [UInt8] {
        try Hex.decode(value[name]?.stringValue ?? "")
    }

    @Test("measurements come out as published")
    func measurements() throws {
        let cases = try #require(Vectors.json("se/measurement-kat.json").arrayValue)
        #expect(cases.count == 4)
        for item in cases {
            let tags = try ["pld", "ald", "tld", "tag"].flatMap { try bytes(item, $0) }
            let measurement = SEMeasurement(
                tags: tags, configurationID: try bytes(item, "cuid"), userData: try bytes(item, "user"),
                nonce: try bytes(item, "nonce"), additionalData: try bytes(item, "add"))
            let key = try bytes(item, "meas_key")
            #expect(Hex.encode(measurement.code(key: key)) == item["expected"]?.stringValue)
            #expect(measurement.isValid(try bytes(item, "expected"), key: key))
            #expect(!measurement.isValid(try bytes(item, "expected"), key: key.reversed() + [1]))
        }
    }

    @Test("the published request is built bit by bit")
    func request() throws {
        let certificate = try Certificate(pem: Vectors.text("se/keys/host.pem.crt"))
        let host = try #require(SEHostKey(certificate))
        let scalar = try Vectors.bytes("se/keys/private_cust.bin")
        let secrets = SEAttestationRequest.Secrets(
            measurementKey: [UInt8](repeating: 0x77, count: 64), nonce: [UInt8](repeating: 0xAB, count: 16),
            protectionKey: [UInt8](repeating: 0x17, count: 32), vector: [UInt8](repeating: 0x55, count: 12),
            customerKey: try P521.KeyAgreement.PrivateKey(rawRepresentation: scalar.suffix(66)))
        let request = try SEAttestationRequest(for: [host], secrets)
        #expect(request.block == (try Vectors.bytes("se/exp/arcb.bin")))
        #expect(request.block[224..<304].elementsEqual(try Vectors.bytes("se/exp/keyslot.bin")))
    }

    @Test("the published header is read, and no change of its form is")
    func header() throws {
        let bytes = try Vectors.bytes("se/exp/secure_guest.hdr")
        let header = try SEImageHeader(parsing: bytes)
        #expect(header.tag == Array(bytes.suffix(16)) && header.tags.count == 208)
        #expect(header.tags == Array(bytes[224..<416] + bytes.suffix(16)))
        #expect(header.hostKeyHashes == [Array(bytes[416..<448])])
        for mutant in Mutants.of(Array(bytes[..<16])) where mutant.count == 16 {
            #expect(
                refusalCode { () throws(VerificationError) in
                    _ = try SEImageHeader(parsing: mutant + bytes[16...])
                } != nil)
        }
        for wrong in [[], Array(bytes.dropLast()), bytes + [0], Array(bytes[..<416])] {
            #expect(refusalCode { () throws(VerificationError) in _ = try SEImageHeader(parsing: wrong) } != nil)
        }
        for offset in [39, 47] {
            var changed = bytes
            changed[offset] = 0xFF
            #expect(refusalCode { () throws(VerificationError) in _ = try SEImageHeader(parsing: changed) } != nil)
        }
    }

    @Test("each of the 23 published cases of host-key documents is accepted or refused as upstream does")
    func hostKeys() throws {
        let document = try Vectors.json("se/hkd-cases.json")
        let date = try Date(#require(document["clock"]?.stringValue), strategy: .iso8601)
        let cases = try #require(document["cases"]?.arrayValue)
        #expect(cases.count == 23)
        for item in cases {
            let name = item["name"]?.stringValue ?? ""
            func certificates(_ member: String) throws -> [Certificate] {
                try item[member]?.stringValue.map { try Certificate.all(pem: Vectors.text("se/cert/\($0)")) } ?? []
            }
            let lists = try ["ibm_crl", "intermediate_crl"].compactMap { member in
                try item[member]?.stringValue.map { try RevocationList(pem: Vectors.text("se/cert/\($0)")) }
            }
            let roots = try certificates("root").filter { $0.subject == $0.issuer }
            let trust = SEHostKeyTrust(
                anchors: roots.prefix(1).map { PinnedAnchor(name: "root", certificate: $0) },
                authorities: try certificates("ibm_signing") + certificates("intermediate"), lists: lists, grace: .zero)
            let hostKey = try #require(certificates("host_key_document").first)
            let code = refusalCode { () throws(VerificationError) in _ = try trust.verify(hostKey, at: date) }
            #expect((code == nil) == (item["expect"] == "accept"), "\(name): \(code ?? "accepted")")
            if let expected = Self.codes[name] { #expect(code == expected, "\(name)") }
        }
    }

    /// Why, for the cases whose reason upstream names.
    private static let codes = [
        "revoked HKD": "revoked", "expired HKD": "certificate_expired", "HKD by unknown key": "host_key_not_trusted",
        "fake HKD": "host_key_not_trusted", "signing cert revoked": "revoked",
        "signing cert expired": "certificate_expired", "signing cert subject wrong": "host_key_not_trusted",
        "CRL missing": "revocation_unknown", "HKD CRL expired": "revocation_unknown",
        "HKD CRL not yet valid": "revocation_unknown", "intermediate CRL expired": "revocation_unknown",
        "no root": "no_anchor",
    ]
}
