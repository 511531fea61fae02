import Encodings
import FoundationEssentials
import JOSE
import KBSProtocol
import Logging
import Policy
import RATS
import Storage
import Verification

extension Broker {
    /// Releases a secret, sealed to the key that the caller's evidence was bound to. There is no other way out.
    ///
    /// The decision is durable before anything leaves. Throws `unauthenticated` without a usable credential, `denied`
    /// when the policies say no (whether or not the resource exists), `notFound` for a caller who would be allowed, and
    /// `unavailable` when the database or the ledger cannot be used.
    public func release(_ input: ReleaseInput) async throws(BrokerError) -> [UInt8] {
        let now = environment.clock.now()
        let (caller, read) = try await credential(input, now: now)
        let policies = try await usablePolicies(read.generation, for: input, caller, now: now)
        let decision = await decide(input, caller, policies, now: now)
        guard decision.demands.isEmpty else {
            return try await releaseCounted(input, caller, read, policies, demands: decision.demands, now: now)
        }
        let id = DecisionRecord.makeID(at: now)
        let refusal = decision.allowed ? sealingRefusal(input, caller) : nil
        try await record(decision, id: id, input, caller, refusal: refusal, found: read.resource != nil, now: now)
        guard decision.allowed else { throw .releaseDenied(code: decision.reason.rawValue, decisionID: id) }
        if let refusal { throw .releaseDenied(code: refusal, decisionID: id) }
        guard let sealed = read.resource else {
            throw .notFound("ResourceNotFound", "There is no resource of this name (decision: \(id))")
        }
        let message = try await message(sealed, to: caller, for: input)
        metrics.resourceReads.increment()
        return message
    }

    /// The secret, sealed to the caller's key or launch. It may leave the broker only once the decision is durable.
    func message(
        _ resource: SealedResource, to caller: Caller, for input: ReleaseInput
    ) async throws(BrokerError) -> [UInt8] {
        let complete = try await storing { () async throws(StorageError) in try await resources.complete(resource) }
        guard let complete else {
            throw .unavailable("resource_changed", "The resource was deleted meanwhile; try again")
        }
        let secret = try open(complete)
        if let launch = caller.launch { return try packet(secret, for: launch, input) }
        return try seal(secret, to: caller)
    }

    /// The policies that decide. While those that are stored do not compile nothing is released, and the ledger says why.
    private func usablePolicies(
        _ generation: Int64, for input: ReleaseInput, _ caller: Caller, now: Date
    ) async throws(BrokerError) -> CompiledPolicies {
        do throws(BrokerError) {
            return try await policies.current(atLeast: generation)
        } catch {
            guard error.code == BrokerError.policiesUnavailable.code else { throw error }
            metrics.policyErrors.increment()
            try await recordUndecided(input, caller, generation: generation, now: now)
            throw error
        }
    }

    /// What the policies say. Without `usage` a decision for which something has to be counted first is not final.
    func decide(
        _ input: ReleaseInput, _ caller: Caller, _ policies: CompiledPolicies, usage: [String: LimitUsage]? = nil,
        now: Date
    ) async -> Decision {
        func request(_ appraisals: [AppraisalTrace], _ notes: [String]) -> ReleaseRequest {
            ReleaseRequest(
                operation: "get", plugin: input.plugin, path: input.path.segments, query: input.query,
                subject: caller.subject, appraisals: appraisals, notes: notes, now: now)
        }
        let decision = policies.bundle.decide(request([], caller.notes), usage: usage ?? [:])
        if usage == nil, !decision.demands.isEmpty { return decision }
        metrics.policyEvaluations.increment()
        if let audit = decision.audit { metrics.auditVerdict(audit.rawValue) }
        if decision.allowed {
            metrics.policyApprovals.increment()
            return decision
        }
        // How the grades came about costs time to read and changes nothing but the explanation.
        let state = await sessionState(of: caller, now: now)
        let explained = policies.bundle.decide(
            request(state?.appraisals() ?? [], state?.notes ?? []), usage: usage ?? [:])
        metrics.policyViolations.increment()
        if explained.reason == .conditionError || explained.reason == .costExceeded { metrics.policyErrors.increment() }
        return explained.allowed ? decision : explained
    }

    /// Why an allowed secret still cannot be sealed to this caller, as a code.
    func sealingRefusal(_ input: ReleaseInput, _ caller: Caller) -> String? {
        // A token that names no version shows no more than the lowest whose answers are authenticated.
        let spoken = caller.attestation.protocolVersion.flatMap(ProtocolVersion.init(rawValue:)) ?? .v0_2_0
        if spoken < versionRules.minimum(for: input.path) { return "protocol_too_old" }
        if caller.launch != nil { return input.launchSecretName == nil ? "launch_secret_name_invalid" : nil }
        guard caller.recipient != nil else { return "key_not_usable" }
        return nil
    }

    private func open(_ resource: SealedResource) throws(BrokerError) -> SecretBytes {
        do throws(StorageError) {
            return try resources.open(resource)
        } catch {
            logger.error("a stored resource does not open", metadata: ["reason": "\(error)"])
            throw BrokerError(error)
        }
    }

    /// The packet that the platform of a launch puts into the guest's memory.
    private func packet(
        _ secret: SecretBytes, for launch: LaunchRecipient, _ input: ReleaseInput
    ) throws(BrokerError) -> [UInt8] {
        guard let name = input.launchSecretName else {
            throw .malformed("PluginInternalError", code: "launch_secret_name_invalid", "The query's guid is no GUID")
        }
        do throws(VerificationError) {
            return try SEVLaunchSecret(secret, as: name, for: launch).json.serialized()
        } catch {
            let kind: BrokerError.Kind = error.code == "launch_secret_too_large" ? .tooLarge : .internal
            throw BrokerError(kind: kind, variant: "PluginInternalError", code: error.code, message: error.message)
        }
    }

    private func seal(_ secret: SecretBytes, to caller: Caller) throws(BrokerError) -> [UInt8] {
        guard let recipient = caller.recipient else { throw .internalFailure("sealing_failed", "JWE failed") }
        do throws(JOSEError) {
            // Guests below 0.2.0 read only the old format, and RSA1_5 keys exist nowhere else.
            return try recipient.algorithm == .rsa15 ? recipient.encryptLegacy(secret) : recipient.encrypt(secret)
        } catch {
            throw BrokerError(kind: .internal, variant: "JweError", code: error.code, message: "JWE failed")
        }
    }
}
