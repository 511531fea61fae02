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
    /// What the verifier gave itself to know again, for kinds of evidence that answer a challenge of their own.
    private let challengeState: [UInt8]?
    private let now: Date
    /// What the host asked with, and what the verifier kept: for kinds whose verifier makes a session.
    private let session: (request: [UInt8], state: [UInt8])?
    private let pieces: [(text: [UInt8], binding: EvidenceBinding)]

    /// How many different pieces of evidence there are.
    private static let count = 64

    private init(
        _ name: String, _ tee: TEE, _ signatures: [SignatureBound.Kind], target: Double? = nil,
        collateral: [CollateralName: CollateralItem] = [:], challengeState: [UInt8]? = nil, at now: Date,
        session: (request: [UInt8], state: [UInt8])? = nil,
        verifier: @escaping @Sendable () -> any EvidenceVerifier, evidence: (_ digest: [UInt8]) throws -> Evidence
    ) throws {
        self.session = session
        self.name = name
        self.tee = tee
        self.signatures = signatures
        self.target = target
        self.verifier = verifier
        self.collateral = FixedCollateral(collateral)
        self.challengeState = challengeState
        self.now = now
        pieces = try (0..<Self.count).map { number in
            let digest = [UInt8](repeating: UInt8(number), count: 47) + [0xD1]
            return (try evidence(digest).content.serialized(), EvidenceBinding(reportData: [digest]))
        }
    }

    /// Every kind of evidence that is simulated.
    static func all() async throws -> [EvidenceLoad] {
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        return try await snp(at: now) + intel(at: now) + [tpm(at: now)] + tokens(at: now) + [
            csv(at: now), svsm(at: now), accelerators(at: now), nvidia(at: now), secureExecution(at: now), sev(at: now),
        ]
    }

    /// Each verification is all that a launch costs: a session for the platform, and the measure of one.
    private static func sev(at now: Date) async throws -> EvidenceLoad {
        let platform = try SimulatedSEVPlatform()
        let guest = SimulatedSEVLaunch(platform)
        var options = SEVVerifier.Options()
        options.authorities = try platform.authorities()
        options.launchDigests = [guest.digest]
        options.builds = [platform.firmware.build]
        let trusting = options
        let request = try platform.request()
        let challenge = try await SEVVerifier(trusting).challenge(
            extraParameters: request, context: VerificationContext(clock: .fixed(now)))
        guard let challenge, let parameters = challenge.extraParameters else {
            throw BenchError("No session was made.")
        }
        return try EvidenceLoad(
            "sev-es", .sev, [.sessions], collateral: [:], at: now,
            session: (request: request.serialized(), state: challenge.state), verifier: { SEVVerifier(trusting) }
        ) { digest in try guest.twin { $0.nonce = Array(digest.prefix(16)) }.evidence(parameters) }
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

    private static func svsm(at now: Date) async throws -> EvidenceLoad {
        let amd = try SimulatedAMD(.genoa, at: now)
        let svsm = try SimulatedSVSM(SimulatedSNPGuest(amd))
        let verifier = SVSMVerifier(snp: SNPVerifier.Options(anchors: amd.anchors))
        let challenge = try await verifier.challenge(
            extraParameters: svsm.parameters, context: VerificationContext())
        let secret = try svsm.activate(challenge?.extraParameters)
        return try EvidenceLoad(
            "svsm-vtpm", .svsmVTPM, [.reports, .tpmQuotes], collateral: amd.collateral(),
            challengeState: challenge?.state, at: now,
            verifier: { SVSMVerifier(snp: SNPVerifier.Options(anchors: amd.anchors)) }
        ) { try svsm.evidence(bound: $0, secret: secret) }
    }

    private static func accelerators(at now: Date) throws -> EvidenceLoad {
        let hygon = try SimulatedHygon()
        let accelerator = try SimulatedDCU(hygon)
        let root = try hygon.rootCertificate()
        let verifier = try DCUVerifier(DCUVerifier.Options(), rootCertificate: root)
        return try EvidenceLoad(
            "hygondcu", .hygondcu, [.hygonReports], collateral: [:], at: now, verifier: { verifier }
        ) { try SimulatedDCU.evidence(of: [accelerator], bound: $0) }
    }

    private static func nvidia(at now: Date) throws -> EvidenceLoad {
        let maker = try SimulatedNVIDIA(at: now)
        let device = try SimulatedNVIDIADevice(of: maker)
        let options = maker.options
        return try EvidenceLoad(
            "nvidia, one GPU", .nvidia, [.reports], collateral: maker.collateral(for: device), at: now,
            verifier: { NVIDIAVerifier(options) }
        ) { try SimulatedNVIDIADevice.evidence(of: [device], bound: $0) }
    }

    private static func tpm(at now: Date) throws -> EvidenceLoad {
        let tpm = try SimulatedVirtualTPM()
        var options = TPMVerifier.Options()
        options.trustedKeys = [tpm.key.publicKey.spki]
        let trusting = options
        return try EvidenceLoad(
            "tpm", .tpm, [.tpmQuotes], at: now, verifier: { TPMVerifier(trusting) },
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

    private static func tokens(at now: Date) throws -> [EvidenceLoad] {
        let realm = try SimulatedRealm()
        let endorsements = realm.endorsements
        let enclave = try SimulatedNitroEnclave(at: now)
        let anchors = enclave.anchors
        return [
            try EvidenceLoad(
                "cca", .cca, [.reports, .reports], at: now,
                verifier: { CCAVerifier(.init(endorsements: endorsements)) },
                evidence: { try realm.evidence(bound: $0) }),
            try EvidenceLoad(
                "nitro", .nitro, [.reports], at: now, verifier: { NitroVerifier(.init(anchors: anchors)) },
                evidence: { try enclave.evidence(bound: $0) }),
        ]
    }

    private static func csv(at now: Date) throws -> EvidenceLoad {
        let hygon = try SimulatedHygon(.v2)
        let verifier = try CSVVerifier(.init(), rootCertificate: hygon.rootCertificate())
        return try EvidenceLoad(
            "csv", .csv, [.hygonReports], at: now, verifier: { verifier }, evidence: hygon.evidence(bound:))
    }

    /// A machine of IBM's signs nothing: it answers with a code under a key that the challenge brought it.
    private static func secureExecution(at now: Date) async throws -> EvidenceLoad {
        let ibm = try SimulatedIBM(at: now)
        let ultravisor = try SimulatedUltravisor()
        let options = SEVerifier.Options(
            anchors: ibm.anchors, authorities: ibm.authorities, revocationLists: try ibm.lists(),
            hostKeys: [try ibm.document(of: ultravisor.key.publicKey)], images: [ultravisor.image])
        let context = VerificationContext(clock: .fixed(now))
        guard let challenge = try await SEVerifier(options).challenge(extraParameters: nil, context: context) else {
            throw BenchError("There is no challenge for Secure Execution guests.")
        }
        let request = challenge.nonce ?? ""
        return try EvidenceLoad(
            "se", .se, [], challengeState: challenge.state, at: now, verifier: { SEVerifier(options) }
        ) { try ultravisor.evidence(request: request, bound: $0) }
    }

    /// Verifications of different pieces in each second of processor time, from their JSON text.
    ///
    /// - Parameter isCold: whether each is the first of its verifier.
    func verificationsPerSecond(seconds: Int, isCold: Bool) async throws -> Double {
        let context = VerificationContext(
            clock: .fixed(now), collateral: collateral, challengeState: session?.state ?? challengeState)
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
        if let session {
            _ = try await verifier.challenge(
                extraParameters: JSONValue(parsing: session.request), context: context)
        }
        let evidence = Evidence(tee: tee, content: try JSONValue(parsing: piece.text))
        return try await verifier.verify(evidence, binding: piece.binding, context: context).count
    }
}
