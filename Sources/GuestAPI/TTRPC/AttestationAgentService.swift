import FoundationEssentials
public import Guest
public import Logging

extension TTRPCServices {
    /// `attestation_agent.AttestationAgentService`: evidence and tokens for the confidential-data-hub and others.
    ///
    /// Failures have the reference's sentences, which tell nothing; the reason is logged.
    ///
    /// - Parameters:
    ///   - client: hands out tokens.
    ///   - attester: collects evidence.
    ///   - measurements: measures events, where that is wanted and possible.
    public static func attestationAgent(
        client: KBSClient, attester: any Attester, measurements: RuntimeMeasurements = .disabled, logger: Logger
    ) -> TTRPCServices {
        let face = AttestationAgentFace(
            client: client, attester: attester, measurements: measurements, logger: logger)
        return TTRPCServices([face.service])
    }
}

/// What the attestation-agent's methods do.
struct AttestationAgentFace: Sendable {
    let client: KBSClient
    let attester: any Attester
    let measurements: RuntimeMeasurements
    let logger: Logger

    var service: TTRPCService {
        TTRPCService(
            name: "attestation_agent.AttestationAgentService",
            methods: [
                "GetEvidence": TTRPCMethod { input async throws(TTRPCStatus) in try await evidence(input) },
                "GetAdditionalEvidence": TTRPCMethod { input async throws(TTRPCStatus) in
                    try await additionalEvidence(input)
                },
                "GetToken": TTRPCMethod { input async throws(TTRPCStatus) in try await token(input) },
                "ExtendRuntimeMeasurement": TTRPCMethod { input async throws(TTRPCStatus) in
                    try await extend(input)
                },
                "GetTeeType": TTRPCMethod { input async throws(TTRPCStatus) in teeType(input) },
                "GetAdditionalTees": TTRPCMethod { input async throws(TTRPCStatus) in additionalTEEs(input) },
            ],
            unsupported: ["BindInitData"])
    }

    private func evidence(
        _ input: AttestationAgent_GetEvidenceRequest
    ) async throws(TTRPCStatus) -> AttestationAgent_GetEvidenceResponse {
        try await answer("GetEvidence", "AA-KBC get evidence failed") { () async throws(GuestError) in
            var output = AttestationAgent_GetEvidenceResponse()
            output.evidence = Data(try await attester.evidence(reportData: Array(input.runtimeData)).serialized())
            return output
        }
    }

    private func additionalEvidence(
        _ input: AttestationAgent_GetAdditionalEvidenceRequest
    ) async throws(TTRPCStatus) -> AttestationAgent_GetEvidenceResponse {
        try await answer("GetAdditionalEvidence", "AA-KBC get evidence failed") { () async throws(GuestError) in
            var output = AttestationAgent_GetEvidenceResponse()
            output.evidence = Data(try await attester.additionalEvidence(reportData: Array(input.runtimeData)).utf8)
            return output
        }
    }

    private func token(
        _ input: AttestationAgent_GetTokenRequest
    ) async throws(TTRPCStatus) -> AttestationAgent_GetTokenResponse {
        try await answer("GetToken", "AA-KBC get token failed") { () async throws(GuestError) in
            guard input.tokenType == "kbs" else {
                throw GuestError(.disabled, "Tokens of type \(input.tokenType.prefix(32)) are not offered; kbs is.")
            }
            var output = AttestationAgent_GetTokenResponse()
            output.token = Data(try await client.token().exported().copyBytes())
            return output
        }
    }

    private func extend(
        _ input: AttestationAgent_ExtendRuntimeMeasurementRequest
    ) async throws(TTRPCStatus) -> AttestationAgent_ExtendRuntimeMeasurementResponse {
        try await answer("ExtendRuntimeMeasurement", "AA extend runtime measurement failed") {
            () async throws(GuestError) in
            var output = AttestationAgent_ExtendRuntimeMeasurementResponse()
            let outcome = try await measurements.report(
                domain: input.domain, operation: input.operation, content: input.content,
                register: input.hasRegisterIndex ? input.registerIndex : nil)
            output.result =
                switch outcome {
                case .recorded: .ok
                case .notSupported: .notSupported
                case .notEnabled: .notEnabled
                }
            return output
        }
    }

    private func teeType(_ input: AttestationAgent_GetTeeTypeRequest) -> AttestationAgent_GetTeeTypeResponse {
        var output = AttestationAgent_GetTeeTypeResponse()
        output.tee = attester.tee.rawValue
        return output
    }

    private func additionalTEEs(
        _ input: AttestationAgent_GetAdditionalTeesRequest
    ) -> AttestationAgent_GetAdditionalTeesResponse {
        var output = AttestationAgent_GetAdditionalTeesResponse()
        output.additionalTees = attester.additionalTEEs.map(\.rawValue)
        return output
    }

    private func answer<Output>(
        _ method: String, _ sentence: String, _ work: () async throws(GuestError) -> Output
    ) async throws(TTRPCStatus) -> Output {
        do throws(GuestError) {
            return try await work()
        } catch {
            logger.warning(
                "attestation-agent request failed",
                metadata: ["method": "\(method)", "code": "\(error.code.rawValue)", "reason": "\(error)"])
            throw TTRPCStatus(.internalError, "[ERROR:attestation-agent] \(sentence)")
        }
    }
}
