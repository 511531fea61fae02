import Encodings
import EvidenceSimulator
import Foundation
import RATS

@testable import Verification

/// A simulated SVSM, a verifier that trusts its maker, and the handshake between them.
struct SVSMSetting {
    let amd: SimulatedAMD
    let svsm: SimulatedSVSM
    let verifier: SVSMVerifier

    init() throws {
        amd = try Simulation.amd(.milan)
        svsm = try SimulatedSVSM(SimulatedSNPGuest(amd))
        verifier = SVSMVerifier(snp: SNPVerifier.Options(anchors: amd.anchors))
    }

    /// The challenge for a guest that named these keys.
    func challenge(_ parameters: JSONValue?) async throws -> VerifierChallenge? {
        try await verifier.challenge(extraParameters: parameters, context: VerificationContext())
    }

    /// Evidence for a session of its own, and the session's state.
    func answer(_ svsm: SimulatedSVSM) async throws -> (evidence: Evidence, state: [UInt8]?) {
        let challenge = try await challenge(svsm.parameters)
        let secret = try svsm.activate(challenge?.extraParameters)
        return (try svsm.evidence(bound: Simulation.digest, secret: secret), challenge?.state)
    }

    func claims(_ evidence: Evidence, _ state: [UInt8]?, initData: [UInt8]? = nil) async throws -> EvidenceClaims? {
        try await verifier.verify(
            evidence, binding: EvidenceBinding(reportData: [Simulation.digest], initDataDigest: initData),
            context: VerificationContext(
                clock: .fixed(Simulation.now), collateral: FixedCollateral(amd.collateral()), challengeState: state)
        ).first
    }

    /// The code with which evidence is refused; `nil` when it is believed.
    func refusal(_ evidence: Evidence, _ state: [UInt8]?, initData: [UInt8]? = nil) async throws -> String? {
        do {
            _ = try await claims(evidence, state, initData: initData)
            return nil
        } catch let error as VerificationError {
            return error.code
        }
    }

    func refusal(of svsm: SimulatedSVSM) async throws -> String? {
        let (evidence, state) = try await answer(svsm)
        return try await refusal(evidence, state)
    }
}
