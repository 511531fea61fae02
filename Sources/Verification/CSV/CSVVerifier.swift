import Encodings
public import RATS
import X509Trust

/// Believes reports of Hygon CSV guests: reports of a platform key that a chip of Hygon's vouches for.
public struct CSVVerifier: EvidenceVerifier {
    /// What a site accepts.
    public struct Options: Sendable, Hashable {
        /// Lets in reports of version 1, whose mask nobody signs. A guest that asks its processor for a report over report
        /// data that a number was added to (bit by bit, every four bytes), and adds the number to the mask, gets a report
        /// that is its session's with another policy, identifier and version. So these three are no claims, which denies
        /// where a policy asks for them, and only a policy that names `measure` says which guests are meant.
        public var allowsVersion1 = false
        /// Lets in guests that the host may look into; policies see the claim `policy.nodbg`.
        public var allowsDebug = false

        /// The defaults.
        public init() {}
    }

    /// The kind `csv`.
    public let tee: TEE = .csv
    /// What is accepted.
    public let options: Options
    private let root: CSVAuthorityCertificate?

    /// A verifier that accepts what `options` let in, under Hygon's root.
    public init(_ options: Options = Options()) {
        self.init(options, root: .hygon)
    }

    /// A verifier under another root than Hygon's, 832 bytes in Hygon's form. Throws `malformed_evidence`.
    package init(_ options: Options, rootCertificate: [UInt8]) throws(VerificationError) {
        self.init(options, root: try CSVAuthorityCertificate(parsing: rootCertificate, "The root"))
    }

    init(_ options: Options, root: CSVAuthorityCertificate?) {
        self.options = options
        self.root = root
    }

    /// Verifies the chain from Hygon's root over the chip's key to the platform's, the report, the guest's policy, the event
    /// log where there is one, and that the report is bound to the session.
    ///
    /// Report data must fill its 64 bytes; there is no place for an init-data digest. Throws a ``VerificationError`` whose
    /// code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try CSVEvidence(evidence.content)
        let report = presented.report
        guard report.version == .v2 || options.allowsVersion1 else {
            throw .unsupportedVersion(
                "CSV reports of version 1 are not let in: the mask over their fields is not signed.")
        }
        guard let index = binding.candidate(filling: report.reportData) else { throw .reportDataMismatch }
        let chip = try verifiedChip(presented)
        guard presented.platform.usage == CSVKeyUsage.platform.rawValue, report.isSigned(by: presented.platform) else {
            throw .signatureInvalid("the CSV report")
        }
        var steps: [VerificationStep] = [
            .passed("report data", "this session's nonce and key"),
            .passed(
                "certificate chain", "the platform's key, the chip's and the signing key, under Hygon's pinned root"),
            .passed("report signature", "SM2 with SM3 by the platform's key"),
        ]
        steps.append(try Self.checksum(report))
        if report.policy & 1 == 0 {
            guard options.allowsDebug else {
                throw VerificationError(
                    code: "debug_enabled", message: "The guest's policy lets the host look into its memory.")
            }
            steps.append(.skipped("debug", "the policy allows it, and the settings let it in"))
        } else if report.version == .v1 {
            steps.append(
                .skipped("debug", "the mask of version 1 is not signed, so that nobody vouches for the policy"))
        } else {
            steps.append(.passed("debug", "the policy forbids it"))
        }
        let log = try eventLog(presented, steps: &steps)
        steps.append(
            .skipped(
                "init-data",
                binding.initDataDigest == nil
                    ? "the guest sent no document" : "nothing in the evidence vouches for the guest's document"))
        let claims = CSVClaimSet(
            report: report, chipKey: chip.key, serialNumber: presented.serialNumber, log: log
        ).claims
        return [EvidenceClaims(tee: tee, claims: claims, matchedReportData: index, steps: steps)]
    }

    /// The report data. Throws `malformed_evidence` and `unsupported_version`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try CSVEvidence(evidence.content).report.reportData
    }

    /// The certificate of the chip that certified the platform's key.
    private func verifiedChip(_ presented: CSVEvidence) throws(VerificationError) -> CSVPlatformCertificate {
        guard let chip = presented.chip else {
            throw VerificationError(
                code: "collateral_unavailable",
                message: "The certificates of the chip must come with the evidence: let the agent fetch them.")
        }
        guard let root, chip.certificate.isChipKey(under: chip.authority, root: root),
            presented.platform.isSigned(by: chip.certificate.key, usage: .chip)
        else {
            throw VerificationError(
                code: "chain_not_trusted",
                message: "The platform's key does not lead over the chip's and the signing key to Hygon's root.")
        }
        return chip.certificate
    }

    private static func checksum(_ report: CSVReport) throws(VerificationError) -> VerificationStep {
        switch report.isChecksumRight {
        case true?: return .passed("signer checksum", "HMAC with SM3 over the platform's certificate")
        case nil: return .skipped("signer checksum", "the agent took the mask off, so that it cannot be computed")
        case false?: throw .malformed("The checksum over the platform's certificate is wrong.")
        }
    }

    /// The log, when the registers prove it: index i of the log is register i.
    private func eventLog(
        _ presented: CSVEvidence, steps: inout [VerificationStep]
    ) throws(VerificationError) -> EventLog? {
        guard let log = presented.eventLog else {
            steps.append(.skipped("event log", "the evidence has none"))
            return nil
        }
        guard let registers = presented.report.registers else {
            steps.append(.skipped("event log", "reports of version 1 have no registers that could prove it"))
            return nil
        }
        let values = Dictionary(
            uniqueKeysWithValues: registers.values.enumerated().dropFirst().map { (UInt32($0.offset), $0.element) })
        let part = try log.replayed(to: values, in: .sm3)
        steps.append(.passed("event log", "it leads to the registers 1 to 4"))
        return part
    }
}

extension CSVAuthorityCertificate {
    /// Hygon's root (HRK), `nil` unless it has the fingerprint that is written here and signed itself.
    static let hygon: CSVAuthorityCertificate? = {
        let bytes = PackageResources.hygon_hrk_cert
        guard let digest = try? DigestAlgorithm.sha256.hash(bytes),
            Hex.encode(digest) == "296efa97580464aca0ab5eefe42199ee05862182508d1629f29cf4dc175b10cd",
            let root = try? CSVAuthorityCertificate(parsing: bytes, "Hygon's root"), root.isIssued(by: root)
        else { return nil }
        return root
    }()
}
