import Crypto
import CryptoExtras
import Encodings
import RATS
import Verification
import X509TestSupport
import X509Trust

/// A confidential VM on the stand-in for AMD with an SVSM that keeps a virtual TPM. Everything that it presents can be changed
/// before it is signed.
package struct SimulatedSVSM: Sendable {
    /// What a report is asked for.
    package enum Services: Sendable, CaseIterable {
        /// The virtual TPM alone.
        case virtualTPM
        /// All services.
        case all
    }

    /// The VM, at level 0.
    package var guest: SimulatedSNPGuest
    /// The virtual TPM with the attestation key.
    package var tpm: SimulatedVirtualTPM
    /// The endorsement key, RSA with 2048 bits.
    package var endorsementKey: TestKey
    /// The key that the SVSM's manifest names, when it is another one.
    package var namedKey: TestKey?
    /// What the TPM says that the attestation key may do.
    package var attributes: UInt32 = 0x0005_0072
    /// What the report is about.
    package var services = Services.virtualTPM

    /// A VM that nothing is wrong with.
    package init(_ guest: SimulatedSNPGuest) throws {
        self.guest = guest
        tpm = try SimulatedVirtualTPM()
        endorsementKey = try TestKey.generate(.rsa(2048))
    }

    /// This VM with changes; it is signed again whenever it is sent.
    package func twin(_ change: (inout SimulatedSVSM) throws -> Void) rethrows -> SimulatedSVSM {
        var twin = self
        try change(&twin)
        return twin
    }

    /// What the guest sends with its request.
    package var parameters: JSONValue {
        [
            "ek_public_area": .string(Base64.encode(Self.endorsementArea(endorsementKey))),
            "ak_public_area": .string(Base64.encode(attestationArea)),
        ]
    }

    /// Activates the credential in a challenge, as TPM2_ActivateCredential does.
    package func activate(_ parameters: JSONValue?) throws -> [UInt8] {
        guard let blob = try parameters?["credential_blob"]?.stringValue.map({ try Base64.decode($0) }),
            let encrypted = try parameters?["encrypted_seed"]?.stringValue.map({ try Base64.decode($0) }),
            let area = try? TPMPublicArea(parsing: attestationArea), let name = area.name, blob.count > 36
        else { throw SimulationError("the challenge has no credential") }
        let seed = try endorsementKey.decryptOAEP(
            Array(encrypted.dropFirst(2)), hash: .sha256, label: Array("IDENTITY\0".utf8))
        let (code, identity) = (Array(blob[4..<36]), Array(blob[36...]))
        let integrity = TPMKeyDerivation.kdfa(.sha256, seed, label: "INTEGRITY", [], [], bits: 256)
        guard TPMKeyDerivation.code(.sha256, integrity, over: identity + name) == code else {
            throw SimulationError("the credential is for another key")
        }
        let key = TPMKeyDerivation.kdfa(.sha256, seed, label: "STORAGE", name, [], bits: 128)
        let secret = try AES._CFB.decrypt(
            identity, using: SymmetricKey(data: key), iv: AES._CFB.IV(ivBytes: [UInt8](repeating: 0, count: 16)))
        return Array(secret.dropFirst(2))
    }

    /// Fresh evidence that is bound to a digest.
    ///
    /// - Parameters:
    ///   - secret: the activated credential.
    ///   - quoted: what the quote is bound to, when it is another digest.
    ///   - reported: what the SVSM was asked with, when it is another digest.
    package func evidence(
        bound digest: [UInt8], secret: [UInt8], quoted: [UInt8]? = nil, reported: [UInt8]? = nil
    ) throws -> Evidence {
        let nonce = padded(digest, to: 64)
        let reportData = Array(SHA512.hash(data: padded(reported ?? digest, to: 64) + manifest))
        let quote = try tpm.quote(nonce: Array((quoted ?? digest).prefix(32)))
        return Evidence(
            tee: .svsmVTPM,
            content: [
                "svsm_report": text(try guest.signedReport(bound: reportData)), "manifest": text(manifest),
                "nonce": text(nonce), "vcek": text(guest.key.certificate),
                "tpm_quote": [
                    "message": text(quote.message),
                    "signature": text([0, 0x14, 0, 0x0B] + TPMWriting.counted(quote.signature)),
                    "pcrs": .array(tpm.registers.map { .string(Hex.encode($0)) }),
                ],
                "ak_public_area": text(attestationArea), "ak_name_proof": ["secret": text(secret)],
            ])
    }

    /// What the SVSM's report vouches for.
    package var manifest: [UInt8] {
        let area = Self.endorsementArea(namedKey ?? endorsementKey)
        guard services == .all else { return area }
        let other: [UInt8] = [1, 2, 3, 4]
        let entries = [([UInt8](repeating: 0x77, count: 16), other), (SVSMManifest.virtualTPM, area)]
        var (table, contents): ([UInt8], [UInt8]) = ([], [])
        let start = 24 + 24 * entries.count
        for (service, content) in entries {
            table += service + littleEndian(UInt32(start + contents.count)) + littleEndian(UInt32(content.count))
            contents += content
        }
        let size = UInt32(start + contents.count)
        return SVSMManifest.tableGUID + littleEndian(size) + littleEndian(UInt32(entries.count)) + table + contents
    }

    private var attestationArea: [UInt8] {
        [0, 1, 0, 0x0B] + littleEndian(attributes).reversed() + [0, 0, 0, 0x10, 0, 0x14, 0, 0x0B]
            + Self.numbers(of: tpm.key)
    }

    /// The public area of an endorsement key by the usual template (TCG EK Credential Profile, L-1).
    package static func endorsementArea(_ key: TestKey) -> [UInt8] {
        [0, 1, 0, 0x0B, 0, 0x03, 0, 0xB2] + TPMWriting.counted([UInt8](repeating: 0x83, count: 32))
            + [0, 0x06, 0, 0x80, 0, 0x43, 0, 0x10] + numbers(of: key)
    }

    /// Of an RSA key's encoding everything but the modulus has a fixed size: 33 bytes before, 5 after.
    private static func numbers(of key: TestKey) -> [UInt8] {
        [8, 0, 0, 0, 0, 0] + TPMWriting.counted(Array(key.publicKey.spki.dropFirst(33).dropLast(5)))
    }

    private func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64.encode(bytes)) }
}
