import Crypto
import Foundation
import RATS
import Verification
import X509TestSupport
import X509Trust

/// A machine: its key (PCK), which signs the reports of its quoting enclave, and what proves that it is genuine.
package struct SimulatedPlatform: Sendable {
    /// What its certificate says.
    package let draft: PlatformCertificateDraft
    /// The key.
    package let key: P256.Signing.PrivateKey
    /// The certificates that quotes bring along (DER): the platform's, its authority's and the root's.
    package var chain: [[UInt8]]
    /// The reports of the quoting enclaves for enclaves and for trust domains, without their report data.
    package var quotingEnclaves: [CollateralName.IntelQuoteKind: EnclaveReport]
    /// The key of the quoting enclaves, which signs quotes.
    package let attestationKey: P256.Signing.PrivateKey
    /// The key that the quoting enclave's report binds; the one that signs unless given.
    package var boundKey: P256.Signing.PublicKey?
    /// Bytes of the quoting enclave's choice that its report binds too.
    package var authenticationData: [UInt8]

    /// This platform with one field of its quoting enclaves' reports replaced.
    package func twin(_ field: EnclaveReport.Field, _ value: [UInt8]) -> SimulatedPlatform {
        var twin = self
        twin.quotingEnclaves = quotingEnclaves.mapValues { $0.replacing(field, with: value) }
        return twin
    }

    /// The signature part of a quote of this kind over these bytes.
    func signature(over quoted: [UInt8], for kind: CollateralName.IntelQuoteKind) throws -> QuoteSignature {
        guard let enclave = quotingEnclaves[kind] else {
            throw SimulationError("the platform has no quoting enclave for \(kind.rawValue)")
        }
        let key = Array(attestationKey.publicKey.rawRepresentation)
        let bound = boundKey.map { Array($0.rawRepresentation) } ?? key
        let digest = Array(SHA256.hash(data: bound + authenticationData))
        let report = enclave.replacing(.reportData, with: padded(digest, to: 64))
        return QuoteSignature(
            signature: Array(try attestationKey.signature(for: quoted).rawRepresentation), attestationKey: key,
            enclaveReport: report,
            enclaveReportSignature: Array(try self.key.signature(for: report.bytes).rawRepresentation),
            authenticationData: authenticationData, certificates: try certificates())
    }

    private func certificates() throws -> [UInt8] {
        Array(try chain.map { try Certificate(der: $0).pem }.joined().utf8)
    }
}

extension SimulatedIntel {
    /// A new machine, certified by the authority over its kind or by another, that nothing is wrong with unless `change`
    /// makes something so.
    package func platform(
        issuer: TestIssuer? = nil, root other: TestIssuer? = nil,
        _ change: (inout PlatformCertificateDraft) -> Void = { _ in }
    ) throws -> SimulatedPlatform {
        var draft = PlatformCertificateDraft()
        change(&draft)
        let issuer = issuer ?? self.issuer(of: draft.authority)
        let key = P256.Signing.PrivateKey()
        var certificate = CertificateDraft(
            subject: Self.name(draft.subject), publicKey: try PublicKey(spki: Array(key.publicKey.derRepresentation)),
            from: draft.notBefore ?? now.addingTimeInterval(-30 * 86_400),
            extensions: [
                .basicConstraints(isAuthority: false), .keyUsage(.digitalSignature), draft.sgxExtension,
            ],
            serialNumber: draft.serialNumber)
        certificate.notAfter = draft.notAfter ?? now.addingTimeInterval(365 * 86_400)
        return SimulatedPlatform(
            draft: draft, key: key,
            chain: [
                try issuer.issueDER(certificate), issuer.certificate.der, (other ?? root).certificate.der,
            ],
            quotingEnclaves: [.sgx: try .quoting(.sgx), .tdx: try .quoting(.tdx)],
            attestationKey: P256.Signing.PrivateKey(),
            authenticationData: Array(0..<32))
    }
}
