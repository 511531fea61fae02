import Crypto
import Encodings
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("TPM: recorded evidence")
struct TPMVectorTests {
    private let then = Date(timeIntervalSince1970: 1_640_995_200)  // 2022-01-01

    private func registers(_ file: String) throws -> [[UInt8]] {
        let values = try #require(Vectors.json(file).objectValue)
        return try (0..<24).map { try Hex.decode(try #require(values["\($0)"]?.stringValue)) }
    }

    private func manifest(_ id: String) throws -> JSONValue {
        let entries = try #require(Vectors.json("tpm/manifest.json").arrayValue)
        return try #require(entries.first { $0["id"]?.stringValue == id })
    }

    @Test("KBS 12.10.65: recorded evidence of the attester gives its nonce, registers, init-data and key as claims")
    func trustee() async throws {
        let content = try Vectors.json("tpm/trustee/evidence.json")
        let expected = try manifest("trustee")["claims"]
        let nonce = try Hex.decode(try #require(expected?["nonce"]?.stringValue))
        let evidence = Evidence(tee: .tpm, content: content)
        #expect(try TPMVerifier().statedReportData(in: evidence) == nonce)
        // The nonce was a digest of 48 bytes in a field of 64.
        let binding = EvidenceBinding(reportData: [[1, 2, 3], Array(nonce.prefix(48))])
        let results = try await TPMVerifier().verify(
            evidence, binding: binding, context: VerificationContext(clock: .fixed(then)))
        let result = try #require(results.first)
        #expect(results.count == 1)
        #expect(result.matchedReportData == 1)
        #expect(result.claims["report_data"] == expected?["nonce"])
        #expect(result.claims["ak_public"] == content["ak_public"])
        let registers = try #require(expected?["pcrs"]?.arrayValue)
        for (index, value) in registers.enumerated() {
            #expect(result.claims[index < 10 ? "pcr0\(index)" : "pcr\(index)"] == value)
        }
        #expect(result.claims["init_data"] == registers[8])
        #expect(result.claims["clock_safe"] == true)
        #expect(result.claims["pcr_bank"] == "SHA-256")
        // Nobody vouches for the key.
        #expect(result.claims["ak_trust"] == "none")
        #expect(result.trustCap == .contraindicated)
    }

    @Test("a quote of Google Compute Engine verifies in each bank but SHA-1, and its key signs statements only")
    func computeEngine() throws {
        let folder = "tpm/gce-cos-85-no-nonce"
        let area = try TPMPublicArea(parsing: Vectors.bytes("\(folder)/ak_tpmt_public.bin"))
        #expect(area.attributes.rawValue == 0x50072)
        #expect(area.attributes.makeAttestationKey)
        for (bank, size) in [("sha1", 20), ("sha256", 32), ("sha384", 48)] {
            let quote = TPMQuote(
                attestation: try TPMAttestation(parsing: Vectors.bytes("\(folder)/quote-\(bank).msg")),
                signature: try TPMSignature(parsing: Vectors.bytes("\(folder)/quote-\(bank).tpmt_signature")),
                registers: try registers("\(folder)/pcrs-\(bank).json"))
            #expect(quote.attestation.extraData.isEmpty)
            #expect(quote.registers.allSatisfy { $0.count == size })
            let code = refusalCode { () throws(VerificationError) in
                _ = try quote.verify(by: area.key, wanted: Array(0..<24), banks: [.sha1, .sha256, .sha384])
            }
            #expect(code == (bank == "sha1" ? "weak_algorithm" : nil))
        }
    }

    @Test("the log of that machine leads to every register of SHA-256 and SHA-384 except that of Linux IMA")
    func computeEngineLog() throws {
        let folder = "tpm/gce-cos-85-no-nonce"
        let log = try EventLog.parse(Vectors.bytes("\(folder)/eventlog.bin"))
        for (bank, name) in [(TCGHash.sha256, "sha256"), (.sha384, "sha384")] {
            let values = try registers("\(folder)/pcrs-\(name).json")
            let logged = Set(log.events.map(\.index))
            for index in logged {
                #expect(try log.register(index, in: bank) == values[Int(index)], "PCR \(index)")
            }
            #expect(values[10] != [UInt8](repeating: 0, count: bank.digestSize))
            #expect(!logged.contains(10))
        }
    }

    @Test("the certificate of that machine's key leads to Google's root, and to no other")
    func computeEngineCertificate() throws {
        let folder = "tpm/gce-cos-85-no-nonce"
        let key = try TPMPublicArea(parsing: Vectors.bytes("\(folder)/ak_tpmt_public.bin")).key
        let certificate = try Vectors.bytes("\(folder)/ak_cert.der")
        let certification = TPMKeyCertification(anchors: .clouds)
        let chain = try certification.verify([certificate], of: key, at: then)
        #expect(chain.anchor.name == "Google tpm_ek_v1_cloud_host_root")
        #expect(chain.certificates.count == 3)
        func refusal(_ anchors: TPMTrustAnchors, _ key: PublicKey, at date: Date) -> String? {
            refusalCode { () throws(VerificationError) in
                _ = try TPMKeyCertification(anchors: anchors).verify([certificate], of: key, at: date)
            }
        }
        let others = TPMTrustAnchors(
            roots: TPMTrustAnchors.clouds.roots.filter { !$0.name.contains("host_root") },
            intermediates: TPMTrustAnchors.clouds.intermediates)
        #expect(refusal(others, key, at: then) == "chain_not_trusted")
        #expect(refusal(TPMTrustAnchors(roots: []), key, at: then) == "no_anchor")
        let other = try SoftTPM().key.publicKey
        #expect(refusal(.clouds, other, at: then) == "key_not_bound")
        #expect(refusal(.clouds, key, at: .distantFuture) == "certificate_expired")
        #expect(refusal(.clouds, key, at: Date(timeIntervalSince1970: 1_500_000_000)) == "certificate_not_yet_valid")
    }

    @Test("signing keys of Google's old and new authorities are certified, encryption keys are none")
    func googleCertificates() throws {
        for name in ["pca_tpm_ecc", "pca_tpm_rsa", "uca_tpm_ecc", "uca_tpm_rsa"] {
            for use in ["sign", "enc"] {
                let certificate = try Certificate(
                    pem: Vectors.text("tpm/gcp-ak-certs/\(name)_\(use)_cert.pem"))
                let key = try certificate.publicKey
                let code = refusalCode { () throws(VerificationError) in
                    _ = try TPMKeyCertification(anchors: .clouds).verify(
                        [certificate.der], of: key, at: Date(timeIntervalSince1970: 1_700_000_000))
                }
                #expect(code == (use == "sign" ? nil : "chain_not_trusted"), "\(name)_\(use)")
            }
        }
    }

    @Test("certificates of Azure's virtual TPMs lead to Microsoft's root, also out of their padded buffer")
    func azureCertificates() throws {
        let date = Date(timeIntervalSince1970: 1_767_225_600)  // 2026-01-01
        for name in ["ak-01.der", "ak-03.der", "ak-03-nv-4096.bin"] {
            let bytes = try Vectors.bytes("tpm/azure-ak-certs/\(name)")
            let key = try Certificate.prefix(of: bytes).publicKey
            let chain = try TPMKeyCertification(anchors: .clouds).verify([bytes], of: key, at: date)
            #expect(chain.anchor.name == "Azure Virtual TPM Root Certificate Authority 2023")
        }
        var dirty = try Vectors.bytes("tpm/azure-ak-certs/ak-03-nv-4096.bin")
        let key = try Certificate.prefix(of: dirty).publicKey
        dirty[4095] = 1
        #expect(
            refusalCode { () throws(VerificationError) in
                _ = try TPMKeyCertification(anchors: .clouds).verify([dirty], of: key, at: date)
            } == "malformed_evidence")
    }

    @Test("the pinned roots are all there, each with the fingerprint that was taken elsewhere")
    func pinnedRoots() {
        #expect(
            TPMTrustAnchors.clouds.roots.map { Hex.encode($0.fingerprint).prefix(8) } == [
                "e6c596b1", "59475959", "9bd5285f",
            ])
        #expect(TPMTrustAnchors.clouds.intermediates.count == 5)
    }

    @Test("a quote over three registers verifies as such, and not as one over all")
    func keylime() throws {
        let statement = try TPMAttestation(parsing: Vectors.bytes("tpm/keylime/quote.out"))
        let signature = try TPMSignature(parsing: Vectors.bytes("tpm/keylime/quotesig.out"))
        #expect(statement.selections == [PCRSelection(algorithm: 0x0B, indices: [15, 16, 22])])
        #expect(try Hex.encode(statement.extraData) == manifest("keylime")["claims"]?["nonce"]?.stringValue)
        // tpm2-tools keeps a public area behind its size, and the key's name in a file of its own.
        let area = try TPMPublicArea(parsing: Array(Vectors.bytes("tpm/keylime/ak.pub").dropFirst(2)))
        #expect(area.name == (try Vectors.bytes("tpm/keylime/ak.name")))
        #expect(area.attributes.makeAttestationKey)
        #expect(try signature.verify(over: statement.bytes, by: area.key) == .sha256)
        let quote = TPMQuote(attestation: statement, signature: signature, registers: [])
        #expect(
            refusalCode { () throws(VerificationError) in
                _ = try quote.verify(by: area.key, wanted: Array(0..<24), banks: [.sha256])
            } == "pcr_selection_mismatch")
        let endorsement = try TPMPublicArea(parsing: Array(Vectors.bytes("tpm/keylime/ek.pub").dropFirst(2)))
        #expect(!endorsement.attributes.makeAttestationKey)
    }

    @Test("the statement and signature that another agent wrote can be read, though they rest on SHA-1")
    func rustKeylime() throws {
        let parts = try Vectors.text("tpm/rust-keylime/test-quote.txt").trimmingCharacters(in: .whitespacesAndNewlines)
            .dropFirst().split(separator: ":")
        let statement = try TPMAttestation(parsing: Base64.decode(String(parts[0])))
        #expect(!statement.extraData.isEmpty)
        #expect(try TPMSignature(parsing: Base64.decode(String(parts[1]))).hash == TCGHash.sha1.rawValue)
    }
}
