import Encodings
import EvidenceSimulator
import RATS
import Testing

@testable import Verification

/// A verifier that trusts the simulator's roots and lets in one digest and build.
struct SEVSite {
    let platform: SimulatedSEVPlatform
    let verifier: SEVVerifier

    init(
        _ platform: SimulatedSEVPlatform? = nil, _ change: (inout SEVVerifier.Options) -> Void = { _ in }
    ) throws {
        let platform = try platform ?? SimulatedSEVPlatform()
        self.platform = platform
        var options = SEVVerifier.Options()
        options.authorities = try SimulatedSEVPlatform().authorities()
        options.launchDigests = [[UInt8](repeating: 0x1D, count: 32), [UInt8](repeating: 0x2D, count: 32)]
        options.builds = [6]
        change(&options)
        verifier = SEVVerifier(options)
    }

    /// What the host gets for a request, or the code of the refusal.
    func challenge(_ parameters: JSONValue?) async -> Result<VerifierChallenge, VerificationError> {
        do throws(VerificationError) {
            let challenge = try await verifier.challenge(extraParameters: parameters, context: VerificationContext())
            guard let challenge else { return .failure(VerificationError(code: "none", message: "none")) }
            return .success(challenge)
        } catch {
            return .failure(error)
        }
    }

    /// The code with which a request is refused.
    func refusal(asking parameters: JSONValue?) async -> String? {
        guard case .failure(let error) = await challenge(parameters) else { return nil }
        return error.code
    }

    func begin() async throws -> VerifierChallenge { try await challenge(platform.request()).get() }

    /// The claims of evidence in a session.
    func claims(_ evidence: Evidence, _ state: [UInt8]?, initData: [UInt8]? = nil) async throws -> EvidenceClaims {
        let binding = EvidenceBinding(reportData: [Simulation.digest], initDataDigest: initData)
        let all = try await verifier.verify(
            evidence, binding: binding, context: VerificationContext(challengeState: state))
        return try #require(all.first)
    }

    /// The code with which evidence is refused; `nil` when it is believed.
    func refusal(_ evidence: Evidence, _ state: [UInt8]?) async -> String? {
        do throws(VerificationError) {
            _ = try await verifier.verify(
                evidence, binding: EvidenceBinding(reportData: [Simulation.digest]),
                context: VerificationContext(challengeState: state))
            return nil
        } catch {
            return error.code
        }
    }

    /// The code with which a launch is refused in a session of its own.
    func refusal(of launch: SimulatedSEVLaunch) async throws -> String? {
        let challenge = try await begin()
        return try await refusal(launch.evidence(#require(challenge.extraParameters)), challenge.state)
    }
}
