import Encodings
public import RATS

/// Believes reports of Hygon accelerators (DCU), each signed by a key of its chip that Hygon vouches for.
///
/// A device is driven by software and signs what it is given: its report counts only beside the evidence of the guest that
/// uses it, whose report data covers it. There is no evidence from hardware in public, so what is believed here was proved on
/// simulated accelerators.
public struct DCUVerifier: EvidenceVerifier {
    /// What a site accepts.
    public struct Options: Sendable, Hashable {
        /// The certificates of known chips by their identifier (16 bytes): that of Hygon's signing key, 832 bytes, and that of
        /// the chip's key, 2084 bytes, one after the other. Guests may send those of other chips along.
        public var chips: [[UInt8]: [UInt8]] = [:]

        /// The defaults.
        public init() {}
    }

    /// The greatest number of accelerators of a guest.
    public static let maximumReports = 16

    /// The kind `hygondcu`.
    public let tee: TEE = .hygondcu
    /// What is accepted.
    public let options: Options
    private let root: CSVAuthorityCertificate?

    /// A verifier that accepts what `options` let in, under Hygon's root.
    public init(_ options: Options = Options()) {
        self.init(options, root: .hygon)
    }

    init(_ options: Options, root: CSVAuthorityCertificate?) {
        self.options = options
        self.root = root
    }

    /// A verifier under another root than Hygon's, for simulations. Throws `malformed_evidence`.
    package init(_ options: Options, rootCertificate: [UInt8]) throws(VerificationError) {
        self.init(options, root: try CSVAuthorityCertificate(parsing: rootCertificate, "The root"))
    }

    /// Verifies each report of `attestation_reports`: the chain from Hygon's root to its chip's key, the signature, and that
    /// it is bound to the session.
    ///
    /// User data must be the report data with zeros after it. No chip may report twice. Throws a ``VerificationError`` whose
    /// code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try Self.reports(in: evidence)
        var seen: Set<[UInt8]> = []
        var all: [EvidenceClaims] = []
        for (report, chain) in presented {
            guard seen.insert(report.chipID).inserted else {
                throw VerificationError(
                    code: "duplicate_device", message: "The same accelerator is presented twice.")
            }
            guard let index = binding.candidate(filling: report.userData) else { throw .reportDataMismatch }
            try verify(report, chain)
            all.append(
                EvidenceClaims(tee: tee, claims: report.claims, matchedReportData: index, steps: Self.steps))
        }
        return all
    }

    /// The user data of the first report. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try Self.reports(in: evidence).first?.report.userData ?? []
    }

    private static let steps: [VerificationStep] = [
        .passed("report data", "this session's nonce and key"),
        .passed("certificate chain", "the chip's key and the signing key, under Hygon's pinned root"),
        .passed("report signature", "SM2 with SM3 by the chip's key"),
        .skipped("init-data", "an accelerator has none"),
    ]

    private typealias Chain = (authority: CSVAuthorityCertificate, chip: CSVPlatformCertificate)

    private static func reports(
        in evidence: Evidence
    ) throws(VerificationError) -> [(report: DCUReport, chain: Chain?)] {
        guard let values = evidence.content["attestation_reports"]?.arrayValue,
            (1...maximumReports).contains(values.count)
        else { throw .malformed("DCU evidence needs attestation_reports, from 1 to \(maximumReports).") }
        var reports: [(report: DCUReport, chain: Chain?)] = []
        for value in values {
            reports.append((try DCUReport(value["report"] ?? value), try chain(value["hsk_cek"])))
        }
        return reports
    }

    private static func chain(_ value: JSONValue?) throws(VerificationError) -> Chain? {
        guard let value, !value.isNull else { return nil }
        guard let hsk = value["hsk"], let cek = value["cek"] else { throw .malformed("hsk_cek is incomplete.") }
        return try chain(CSVFields.authority(hsk), CSVFields.platformKey(cek))
    }

    private static func chain(_ authority: [UInt8], _ chip: [UInt8]) throws(VerificationError) -> Chain {
        (
            try CSVAuthorityCertificate(parsing: authority, "The signing key's certificate"),
            try CSVPlatformCertificate(parsing: chip, "The chip's certificate")
        )
    }

    /// The certificates that the operator has of a chip go before those that come along.
    private func verify(_ report: DCUReport, _ presented: Chain?) throws(VerificationError) {
        var chain = presented
        if let known = options.chips[report.chipID] {
            let size = CSVAuthorityCertificate.byteCount
            chain = try Self.chain(Array(known.prefix(size)), Array(known.dropFirst(size)))
        }
        guard let chain else {
            throw VerificationError(
                code: "collateral_unavailable",
                message:
                    "The certificates of chip \(Hex.encode(report.chipID)) neither came with the evidence nor are they "
                    + "in verifiers.hygondcu.chips.")
        }
        guard let root, chain.chip.isChipKey(under: chain.authority, root: root) else {
            throw VerificationError(
                code: "chain_not_trusted",
                message: "The accelerator's key does not lead over the signing key to Hygon's root.")
        }
        guard report.isSigned(by: chain.chip) else { throw .signatureInvalid("the DCU report") }
    }
}
