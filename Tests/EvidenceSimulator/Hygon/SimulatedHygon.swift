import Encodings
import RATS
import Verification
import X509TestSupport
import X509Trust

/// A stand-in for Hygon: a root, a signing key, a chip and a platform, with a guest on it. Everything that the report says
/// can be changed before it is signed.
package struct SimulatedHygon: Sendable {
    /// A key with the identity that it signs under.
    package struct Signer: Sendable {
        package var key: TestKey
        package var userID: [UInt8]

        package init(_ name: String) throws {
            key = try TestKey.generate(.sm2)
            userID = Array("HYGON-SSD-\(name)".utf8)
        }

        /// A signature as Hygon writes it: r and s, 72 bytes each, least significant byte first.
        package func sign(_ message: [UInt8]) throws -> [UInt8] {
            let signature = try key.sign(message, .sm2Raw(userID: userID))
            return padded(signature[..<32].reversed(), to: 72) + padded(signature[32...].reversed(), to: 72)
        }

        var field: [UInt8] {
            let point = key.publicKey.x963 ?? []
            let coordinates = padded(point[1..<33].reversed(), to: 72) + padded(point[33...].reversed(), to: 72)
            return [3, 0, 0, 0] + coordinates + [UInt8(userID.count), 0] + padded(userID, to: 254)
        }
    }

    package var root: Signer
    package var authority: Signer
    package var chip: Signer
    package var platform: Signer
    /// Who signs the platform's certificate, when it is not the chip.
    package var platformIssuer: Signer?
    /// The form of the report.
    package var version: CSVReport.Version
    /// The guest's policy.
    package var policy: UInt32 = 0x3F
    /// The mask of version 1.
    package var mask: [UInt8] = [0x11, 0x22, 0x33, 0x44]
    /// The registers of version 2, five of 32 bytes.
    package var registers = [[UInt8]](repeating: [UInt8](repeating: 0, count: 32), count: 5)
    /// The serial number that the sender puts beside the report, where nobody signs it.
    package var serialNumber = "NZA9T14052605"
    /// Changes the checksum over certificate and serial number, whose key everybody can read.
    package var checksumChange: UInt8 = 0
    /// Takes the mask off certificate and serial number, as agents do.
    package var sendsPlainSigner = false
    /// The event log that is sent along.
    package var eventLog: [UInt8]?
    /// What the signature says of itself: the platform's key, SM2.
    package var signatureUsage: [UInt8] = [0x02, 0x10, 0, 0, 4, 0, 0, 0]

    /// A guest that nothing is wrong with.
    package init(_ version: CSVReport.Version = .v2) throws {
        root = try Signer("HRK")
        authority = try Signer("HSK")
        chip = try Signer("CEK")
        platform = try Signer("PEK")
        self.version = version
    }

    private static let rootID = [UInt8](repeating: 0x3A, count: 16)
    private static let authorityID = [UInt8](repeating: 0x6E, count: 16)

    /// The root's certificate.
    package func rootCertificate() throws -> [UInt8] {
        try certificate(of: root, Self.rootID, usage: 0, by: root)
    }

    /// The signing key's certificate.
    package func authorityCertificate() throws -> [UInt8] {
        try certificate(of: authority, Self.authorityID, usage: 0x13, by: root)
    }

    private func certificate(
        of signer: Signer, _ identifier: [UInt8], usage: UInt8, by issuer: Signer
    ) throws -> [UInt8] {
        let body =
            [1, 0, 0, 0] + identifier + Self.rootID + [usage, 0, 0, 0] + [UInt8](repeating: 0, count: 24)
            + signer.field + [UInt8](repeating: 0, count: 108)
        return try body + issuer.sign(body) + [UInt8](repeating: 0, count: 112)
    }

    /// The chip's certificate.
    package func chipCertificate() throws -> [UInt8] {
        try certificate(of: chip, usage: [0x04, 0x10], certifiedBy: Self.authorityID, authority, [0x13, 0])
    }

    /// The platform's certificate.
    package func platformCertificate() throws -> [UInt8] {
        try certificate(
            of: platform, usage: [0x02, 0x10], certifiedBy: [UInt8](repeating: 0, count: 16), platformIssuer ?? chip,
            [0x04, 0x10])
    }

    private func certificate(
        of signer: Signer, usage: [UInt8], certifiedBy identifier: [UInt8], _ issuer: Signer, _ issuerUsage: [UInt8]
    ) throws -> [UInt8] {
        let body =
            [1, 0, 0, 0, 1, 3, 0, 0] + usage + [0, 0, 4, 0, 0, 0] + signer.field + identifier
            + [UInt8](repeating: 0, count: 608)
        let first = try issuerUsage + [0, 0, 4, 0, 0, 0] + issuer.sign(body) + [UInt8](repeating: 0, count: 368)
        let second: [UInt8] = [0, 0x10, 0, 0] + [UInt8](repeating: 0, count: 516)
        return body + first + second
    }

    /// The report, with zeros after the digest that it is bound to.
    ///
    /// Signatures are random, so that the platform's certificate is the caller's: the evidence repeats it.
    private func report(bound digest: [UInt8], by certificate: [UInt8]) throws -> [UInt8] {
        let nonce = [UInt8](repeating: 0x0F, count: 16)
        let number = (0..<4).map { UInt8(truncatingIfNeeded: policy >> UInt32(8 * $0)) }
        var body = [UInt8](repeating: 0, count: 64) + padded(digest, to: 64) + nonce
        body += [UInt8](repeating: 0x5E, count: 32) + number + signatureUsage
        let signer =
            certificate + padded(Array(serialNumber.utf8), to: 64) + [UInt8](repeating: 0, count: 32)
        guard version == .v1 else {
            body += [1, 0, 0, 0, 1, 0] + [UInt8](repeating: 0, count: 14) + registers.joined()
            body += [UInt8](repeating: 0, count: 656)
            return try body + platform.sign(body) + signer + code(of: signer, key: nonce)
        }
        let masked = self.masked(body)
        let block = self.masked(signer)
        let checksum = try code(of: block, key: nonce)
        return try masked + mask + platform.sign(Array(masked[..<180])) + (sendsPlainSigner ? signer : block) + checksum
    }

    private func masked(_ bytes: [UInt8]) -> [UInt8] { bytes.enumerated().map { $1 ^ mask[$0 % 4] } }

    private func code(of message: [UInt8], key: [UInt8]) throws -> [UInt8] {
        let block = padded(key, to: 64)
        let inner = try DigestAlgorithm.sm3.hash(block.map { $0 ^ 0x36 } + message)
        var code = try DigestAlgorithm.sm3.hash(block.map { $0 ^ 0x5c } + inner)
        code[0] ^= checksumChange
        return code
    }

    /// Fresh evidence that is bound to a digest, in the form of base64.
    package func evidence(bound digest: [UInt8]) throws -> Evidence {
        let magic = version == .v1 ? [UInt8](repeating: 0, count: 16) : Array("ATTESTATION_EXT\0".utf8)
        let certificate = try platformCertificate()
        return Evidence(
            tee: .csv,
            content: [
                "attestation_report": [
                    "data": text(try report(bound: digest, by: certificate)), "flags": version == .v1 ? 0 : 1,
                    "magic": text(magic),
                ],
                "cert_chain": [
                    "hsk_cek": ["hsk": text(try authorityCertificate()), "cek": text(try chipCertificate())],
                    "pek": text(certificate),
                ],
                "serial_number": text(padded(Array(serialNumber.utf8), to: 64)),
                "cc_eventlog": eventLog.map(text) ?? .null,
            ])
    }

    /// This guest with changes; it is signed again whenever it is sent.
    package func twin(_ change: (inout SimulatedHygon) throws -> Void) rethrows -> SimulatedHygon {
        var twin = self
        try change(&twin)
        return twin
    }

    private func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64.encode(bytes)) }
}
