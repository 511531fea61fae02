import Crypto
import Encodings
import RATS
import X509Trust

/// Verifies a report in everything but what it is bound to: the part that SEV-SNP evidence and evidence which contains
/// such a report have in common.
struct SNPReportVerification: Sendable {
    let options: SNPVerifier.Options
    private let endorsement: SNPEndorsement
    private let revocation: SNPRevocation

    init(_ options: SNPVerifier.Options) {
        self.options = options
        endorsement = SNPEndorsement(anchors: options.anchors)
        revocation = SNPRevocation(policy: options.revocation)
    }

    /// Verifies the signature over the 1184 bytes of a report, the chain of its key, and what the report says of guest,
    /// chip and firmware.
    ///
    /// `endorsementKeys` are the certificates (DER) that came with it; without the one that is needed, collateral is
    /// asked. Whoever calls must still compare `reportData`, and `hostData` where there is init-data.
    func verify(
        _ bytes: [UInt8], endorsementKeys: [SNPEndorsementKeyKind: [UInt8]], context: VerificationContext
    ) async throws(VerificationError) -> SNPVerifiedReport {
        let report = try SNPReport(parsing: bytes)
        try requireVersion(report)
        let kind = try signer(report)
        let product = try product(report, kind: kind, endorsementKeys: endorsementKeys)
        let source = try await endorsementKey(
            kind, product: product, report: report, given: endorsementKeys, context: context)
        let endorsed = try endorsement.verify(source, kind: kind, product: product, at: context.clock.now())
        var steps = [
            VerificationStep.passed("report format", "version \(report.version), reserved bytes zero"),
            .passed(
                "product",
                "\(product.rawValue), by the \(report.processor == nil ? "certificate of the key" : "processor's CPUID")"
            ),
            .passed(
                "certificate chain",
                "\(kind.rawValue.uppercased()) from \(source.isCollateral ? "collateral" : "the evidence"), "
                    + "issued under the pinned \(endorsed.chain.anchor.name)"),
        ]
        let status = try await revocation.status(
            of: endorsed.chain, product: product, kind: kind, context: context)
        steps.append(status.step)
        guard let signature = report.signature.rawRepresentation,
            let ecdsa = try? P384.Signing.ECDSASignature(rawRepresentation: signature),
            endorsed.key.publicKey.isValidSignature(ecdsa, for: bytes[..<SNPReport.signedByteCount])
        else { throw .signatureInvalid("the SEV-SNP report") }
        steps.append(.passed("report signature", "ECDSA P-384 with SHA-384 by the \(kind.rawValue.uppercased())"))
        var checks = SNPReportChecks(
            report: report, product: product, key: endorsed.key, options: options, steps: steps)
        try checks.run()
        return SNPVerifiedReport(
            report: report, product: product, key: endorsed.key, revocation: status, steps: checks.steps,
            chain: endorsed.chain.certificates.map(\.der))
    }

    private func requireVersion(_ report: SNPReport) throws(VerificationError) {
        if report.version == 2 {
            guard !options.version2Products.isEmpty else {
                throw .unsupportedVersion(
                    "A report of version 2 does not say what processor it comes from; let it in for pinned products only."
                )
            }
        } else if !options.versions.contains(report.version) {
            throw .unsupportedVersion("Reports of version \(report.version) are not let in.")
        }
    }

    private func signer(_ report: SNPReport) throws(VerificationError) -> SNPEndorsementKeyKind {
        guard report.signatureAlgorithm == 1 else {
            throw VerificationError(
                code: "unsupported_signature_algorithm",
                message: "The report is signed with algorithm \(report.signatureAlgorithm), not with ECDSA P-384 (1).")
        }
        guard let kind = report.keyInfo.signer else {
            throw VerificationError(
                code: "signing_key_unknown", message: "The report says that it is signed by no key that is known.")
        }
        guard kind == .vlek || !report.keyInfo.isChipKeyMasked else {
            throw VerificationError(
                code: "chip_key_masked",
                message: "The host forbids to sign with the chip's key, so the report is not signed by it.")
        }
        return kind
    }

    /// The product, from the processor's CPUID, else from the issuer of the key that came along.
    private func product(
        _ report: SNPReport, kind: SNPEndorsementKeyKind, endorsementKeys: [SNPEndorsementKeyKind: [UInt8]]
    ) throws(VerificationError) -> SNPProduct {
        let known: SNPProduct?
        if let processor = report.processor {
            known = SNPProduct(processor)
        } else if let der = endorsementKeys[kind] {
            known = endorsement.product(issuing: der, kind: kind)
        } else {
            known = options.version2Products.count == 1 ? options.version2Products.first : nil
        }
        guard let product = known else {
            throw VerificationError(
                code: "product_unknown", message: "It cannot be told from which AMD product the report comes.")
        }
        guard options.products?.contains(product) ?? true,
            report.version != 2 || options.version2Products.contains(product)
        else {
            throw VerificationError(
                code: "product_not_allowed", message: "Reports of \(product.rawValue) processors are not let in.")
        }
        return product
    }

    private func endorsementKey(
        _ kind: SNPEndorsementKeyKind, product: SNPProduct, report: SNPReport,
        given: [SNPEndorsementKeyKind: [UInt8]], context: VerificationContext
    ) async throws(VerificationError) -> SNPEndorsementKeySource {
        if let der = given[kind] { return SNPEndorsementKeySource(der: der, isCollateral: false) }
        guard given.isEmpty else {
            throw VerificationError(
                code: "signing_key_mismatch",
                message:
                    "The report is signed by a \(kind.rawValue.uppercased()), but the certificate is another kind's.")
        }
        guard kind == .vcek else {
            throw VerificationError(
                code: "collateral_unavailable",
                message: "The certificate of a provider's key (VLEK) must come with the evidence.")
        }
        return try await chipKey(report, product: product, context: context)
    }

    /// The certificate of the chip's key from collateral; nobody is asked about a chip that the report does not name.
    private func chipKey(
        _ report: SNPReport, product: SNPProduct, context: VerificationContext
    ) async throws(VerificationError) -> SNPEndorsementKeySource {
        let hardwareID = Array(report.chipID.prefix(product.hardwareIDByteCount))
        if hardwareID.allSatisfy({ $0 == 0 }) {
            guard options.allowsMaskedChipID else { throw .chipIDMasked }
            throw VerificationError(
                code: "collateral_unavailable",
                message: "The host masks the chip's identifier, so its key's certificate must come with the evidence.")
        }
        guard let levels = report.reportedTCB.levels(of: product),
            let name = CollateralName.amdVCEK(
                product: product.collateralName, hardwareID: hardwareID, levels: levels.collateralLevels)
        else { throw .malformed("The report has a TCB version that its product does not write.") }
        do throws(CollateralError) {
            return SNPEndorsementKeySource(der: try await context.collateral.item(name).body, isCollateral: true)
        } catch {
            throw VerificationError(
                code: "collateral_unavailable", message: "The chip's certificate is not to be had. \(error.message)")
        }
    }
}

extension VerificationError {
    /// The report does not say which chip it is from.
    static let chipIDMasked = VerificationError(
        code: "chip_id_masked", message: "The host masks the chip's identifier, so the report may be any chip's.")
}

/// Where the certificate of the signing key came from.
struct SNPEndorsementKeySource: Sendable {
    let der: [UInt8]
    let isCollateral: Bool
}
