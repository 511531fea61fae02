import Encodings
import FoundationEssentials
public import RATS
import X509Trust

/// Believes attestation documents of AWS Nitro enclaves.
///
/// An enclave is kept apart from its parent instance by AWS's hypervisor, whose word this is: memory is not encrypted
/// against whoever operates the machine.
public struct NitroVerifier: EvidenceVerifier {
    /// The kind `nitro`.
    public let tee: TEE = .nitro
    /// What is accepted.
    public let options: Options

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// Verifies a document, the chain of its key to AWS's root at the time of the document, how old it is, and that it is
    /// bound to the session.
    ///
    /// The evidence is `{"document": base64}`. The field that the settings name must be the report data, with zeros after
    /// it up to 64 bytes; there is no place for an init-data digest. Throws a ``VerificationError`` whose code names the
    /// first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let document = try Self.document(evidence)
        guard let reportData = reportData(of: document), let index = binding.candidate(filling: reportData) else {
            throw .reportDataMismatch
        }
        let made = Date(timeIntervalSince1970: Double(document.timestamp) / 1000)
        try requireFresh(made, now: context.clock.now())
        let chain = try chain(of: document, at: made)
        let revocation = try revocation(of: chain, at: context.clock.now())
        guard (try? chain.leaf.publicKey)?.isValidSignature(of: document.message) ?? false else {
            throw .signatureInvalid("the Nitro document")
        }
        var steps: [VerificationStep] = [
            .passed("report data", "this session's nonce and key are in \(options.reportDataField.rawValue)"),
            .passed("freshness", "made \(made.formatted(.iso8601))"),
            .passed("certificate chain", "issued under the pinned \(chain.anchor.name), valid when it signed"),
            revocation,
            .passed("document signature", "ES384"),
        ]
        let isDebug = Self.isDebug(document)
        if isDebug {
            guard options.allowsDebug else {
                throw VerificationError(
                    code: "debug_enabled", message: "The enclave runs in debug mode: its parent instance sees into it.")
            }
            steps.append(.skipped("debug mode", "it is on, which the settings let in"))
        } else {
            steps.append(.passed("debug mode", "off"))
        }
        steps.append(
            .skipped(
                "init-data",
                binding.initDataDigest == nil
                    ? "the guest sent no document" : "nothing in the evidence vouches for the guest's document"))
        return [
            EvidenceClaims(
                tee: tee, claims: claims(document, reportData: reportData, isDebug: isDebug), matchedReportData: index,
                steps: steps, chain: chain.certificates.map(\.der))
        ]
    }

    /// The field that the settings name. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        reportData(of: try Self.document(evidence)) ?? []
    }

    private static func document(_ evidence: Evidence) throws(VerificationError) -> NitroDocument {
        guard let text = evidence.content["document"]?.stringValue,
            text.utf8.count <= 2 * NitroDocument.maximumBytes, let bytes = try? Base64.decode(text)
        else { throw .malformed("Nitro evidence needs a document in base64.") }
        return try NitroDocument(parsing: bytes)
    }

    private func reportData(of document: NitroDocument) -> [UInt8]? {
        let field =
            switch options.reportDataField {
            case .userData: document.userData
            case .nonce: document.nonce
            }
        return field.flatMap { $0.count <= 64 ? $0 : nil }
    }

    private func requireFresh(_ made: Date, now: Date) throws(VerificationError) {
        let age = now.timeIntervalSince(made)
        guard age <= TimeInterval(options.maximumAge.components.seconds) else {
            throw VerificationError(
                code: "evidence_expired", message: "The Nitro document is of \(made.formatted(.iso8601)), too long ago."
            )
        }
        guard -age <= TimeInterval(options.maximumClockSkew.components.seconds) else {
            throw VerificationError(
                code: "evidence_not_yet_valid",
                message: "The Nitro document is of \(made.formatted(.iso8601)), which is still to come.")
        }
    }

    /// The chain in the order of the bundle and no other. The certificate of the key lives for hours only, so that what
    /// counts is the moment of the signature.
    private func chain(of document: NitroDocument, at date: Date) throws(VerificationError) -> VerifiedChain {
        do throws(X509Error) {
            var path: [Certificate] = []
            for der in [document.certificate] + document.authorities.reversed() {
                let certificate = try Certificate(der: der)
                guard try certificate.publicKey.kind == .ec(.p384) else {
                    throw X509Error(code: "chain_not_trusted", message: "A key of the chain is not on P-384.")
                }
                path.append(certificate)
            }
            return try CertificateChain.verify(path: path, anchors: options.anchors, at: date)
        } catch {
            throw VerificationError(
                code: error.code == "malformed_certificate" ? "malformed_evidence" : error.code,
                message: "The certificates of the Nitro document are refused. \(error.message)")
        }
    }

    /// AWS lists the authorities of its regions and zones; those of instances and their keys, which live for hours, are in
    /// no list. What counts is now, and not the moment of the signature.
    private func revocation(
        of chain: VerifiedChain, at now: Date
    ) throws(VerificationError) -> VerificationStep {
        do throws(X509Error) {
            let policy = RevocationPolicy(coverage: .none, grace: options.revocationGrace)
            let statuses = try policy.check(ChainRevocation(chain: chain, lists: options.revocationLists), at: now)
            var (listed, good) = (0, 0)
            for (certificate, status) in zip(chain.certificates, statuses)
            where certificate.extensionValue(Self.listLocations) != nil {
                listed += 1
                if case .good = status {
                    good += 1
                } else if options.requiresRevocationLists {
                    throw X509Error(
                        code: "revocation_unknown",
                        message: "\(certificate.subject.prefix(200)) may be revoked (\(status.word)): "
                            + "provide a current revocation list of its issuer.")
                }
            }
            let detail = "\(good) of the \(listed) authorities whose issuers publish lists are good by lists at hand"
            return good == listed && listed > 0 ? .passed("revocation", detail) : .skipped("revocation", detail)
        } catch {
            throw VerificationError(
                code: error.code, message: "The certificates of the Nitro document are refused. \(error.message)")
        }
    }

    /// CRL distribution points (RFC 5280 section 4.2.1.13).
    private static let listLocations = "2.5.29.31"

    /// The hypervisor leaves the registers of what was started zero in debug mode.
    private static func isDebug(_ document: NitroDocument) -> Bool {
        (0...2).contains { document.registers[$0]?.allSatisfy { $0 == 0 } ?? true }
    }

    private func claims(_ document: NitroDocument, reportData: [UInt8], isDebug: Bool) -> JSONObject {
        var claims: JSONObject = [
            "module_id": .string(document.moduleID), "timestamp": JSONValue(document.timestamp), "digest": "SHA384",
            "debug": .bool(isDebug),
        ]
        for (index, value) in document.registers.sorted(by: { $0.key < $1.key }) {
            claims["pcr\(index)"] = .string(Hex.encode(value))
        }
        for (name, value) in [
            ("user_data", document.userData), ("nonce", document.nonce), ("public_key", document.publicKey),
        ] {
            claims[name] = .string(Hex.encode(value ?? []))
        }
        claims["report_data"] = .string(Hex.encode(reportData))
        return claims
    }
}
