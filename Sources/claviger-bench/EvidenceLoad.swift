import Encodings
import EvidenceSimulator
import FoundationEssentials
import RATS
import Verification

/// Evidence of one kind, and a verifier that believes it.
struct EvidenceLoad {
    let name: String
    let tee: TEE
    /// The signatures that cannot be spared.
    let signatures: [SignatureBound.Kind]
    /// The part of the bound that warm verifications are to reach.
    let target: Double?
    private let verifier: @Sendable () -> any EvidenceVerifier
    private let collateral: FixedCollateral
    private let now: Date
    private let pieces: [(text: [UInt8], binding: EvidenceBinding)]

    /// How many different pieces of evidence there are.
    private static let count = 64

    private init(
        _ name: String, _ tee: TEE, _ signatures: [SignatureBound.Kind], target: Double? = nil,
        collateral: [CollateralName: CollateralItem], at now: Date,
        verifier: @escaping @Sendable () -> any EvidenceVerifier, evidence: (_ digest: [UInt8]) throws -> Evidence
    ) throws {
        self.name = name
        self.tee = tee
        self.signatures = signatures
        self.target = target
        self.verifier = verifier
        self.collateral = FixedCollateral(collateral)
        self.now = now
        pieces = try (0..<Self.count).map { number in
            let digest = [UInt8](repeating: UInt8(number), count: 47) + [0xD1]
            return (try evidence(digest).content.serialized(), EvidenceBinding(reportData: [digest]))
        }
    }

    /// Every kind of evidence that is simulated.
    static func all() throws -> [EvidenceLoad] {
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        return try snp(at: now) + intel(at: now) + [tpm(at: now)]
    }

    private static func snp(at now: Date) throws -> [EvidenceLoad] {
        let amd = try SimulatedAMD(.genoa, at: now)
        let options = SNPVerifier.Options(anchors: amd.anchors)
        let guest = try SimulatedSNPGuest(amd)
        let forms: [(String, SimulatedSNPGuest.Form)] = [
            ("snp, byte arrays", .fields(.agent15)), ("snp, base64", .raw),
        ]
        return try forms.map { name, form in
            try EvidenceLoad(
                name, .snp, [.reports], target: 0.8, collateral: amd.collateral(), at: now,
                verifier: { SNPVerifier(options) }
            ) { try guest.evidence(bound: $0, form: form) }
        } + [azure(on: guest, amd, options, at: now)]
    }

    private static func azure(
        on guest: SimulatedSNPGuest, _ amd: SimulatedAMD, _ options: SNPVerifier.Options, at now: Date
    ) throws -> EvidenceLoad {
        let vm = try SimulatedAzureVM(on: .snp(guest))
        return try EvidenceLoad(
            "az-snp-vtpm", .azSNPvTPM, [.reports, .tpmQuotes], collateral: amd.collateral(), at: now,
            verifier: { AzureSNPVerifier(.init(snp: options)) }, evidence: vm.evidence(bound:))
    }

    private static func tpm(at now: Date) throws -> EvidenceLoad {
        let tpm = try SimulatedVirtualTPM()
        var options = TPMVerifier.Options()
        options.trustedKeys = [tpm.key.publicKey.spki]
        let trusting = options
        return try EvidenceLoad(
            "tpm", .tpm, [.tpmQuotes], collateral: [:], at: now, verifier: { TPMVerifier(trusting) },
            evidence: tpm.evidence(bound:))
    }

    private static func intel(at now: Date) throws -> [EvidenceLoad] {
        let intel = try SimulatedIntel(at: now)
        let platform = try intel.platform()
        let collateral = try SimulatedIntelCollateral(intel, for: platform.draft).items()
        let options = IntelCollateralOptions(anchors: intel.anchors)
        let logged = try SimulatedTrustDomain(on: platform)
        let domain = try SimulatedTrustDomain(on: platform, form: .version5TDX15, eventLog: nil)
        let enclave = try SimulatedEnclave(on: platform)
        let unlogged = try SimulatedTrustDomain(on: platform, eventLog: nil)
        return [
            try EvidenceLoad(
                "tdx", .tdx, [.quotes], target: 0.6, collateral: collateral, at: now,
                verifier: { TDXVerifier(options: .init(collateral: options)) }, evidence: domain.evidence(bound:)),
            try EvidenceLoad(
                "tdx, event log", .tdx, [.quotes], target: 0.6, collateral: collateral, at: now,
                verifier: { TDXVerifier(options: .init(collateral: options)) }, evidence: logged.evidence(bound:)),
            try EvidenceLoad(
                "sgx", .sgx, [.quotes], collateral: collateral, at: now,
                verifier: { SGXVerifier(options: .init(collateral: options)) }, evidence: enclave.evidence(bound:)),
            try EvidenceLoad(
                "az-tdx-vtpm", .azTDXvTPM, [.quotes, .tpmQuotes], collateral: collateral, at: now,
                verifier: { AzureTDXVerifier(.init(tdx: .init(collateral: options))) },
                evidence: SimulatedAzureVM(on: .tdx(unlogged)).evidence(bound:)),
        ]
    }

    /// Verifications of different pieces in each second of processor time, from their JSON text.
    ///
    /// - Parameter isCold: whether each is the first of its verifier.
    func verificationsPerSecond(seconds: Int, isCold: Bool) async throws -> Double {
        let context = VerificationContext(clock: .fixed(now), collateral: collateral)
        var verifier = verifier()
        _ = try await verify(pieces[0], by: verifier, context)
        let start = ProcessTime.seconds
        let end = ContinuousClock.now + .seconds(seconds)
        var count = 0
        while ContinuousClock.now < end {
            if isCold { verifier = self.verifier() }
            guard try await verify(pieces[count % pieces.count], by: verifier, context) == 1 else {
                throw BenchError("Evidence of \(name) describes other than one thing.")
            }
            count += 1
        }
        return Double(count) / (ProcessTime.seconds - start)
    }

    private func verify(
        _ piece: (text: [UInt8], binding: EvidenceBinding), by verifier: any EvidenceVerifier,
        _ context: VerificationContext
    ) async throws -> Int {
        let evidence = Evidence(tee: tee, content: try JSONValue(parsing: piece.text))
        return try await verifier.verify(evidence, binding: piece.binding, context: context).count
    }
}
