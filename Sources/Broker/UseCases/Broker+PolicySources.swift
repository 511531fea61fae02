public import Encodings
import FoundationEssentials
import Logging
import Policy
import RATS
import Storage

extension Broker {
    /// Makes the documents of a request all that its source has, as far as they are in order; nobody else's are touched.
    ///
    /// Each is judged alone: one that is refused leaves its former version in force and does not keep the others out. All that
    /// changes is one generation. The answer says of each document what became of it and how it stands beside the others:
    /// `shadowedBy`, `unresolvedReferences` and, for release policies, `matchesResources`. A dry run stores nothing.
    ///
    /// Throws `conflict` (code `fenced`) when a later leader wrote for the source, or (code `overtaken`) this one later, and
    /// `denied` for a source that is not taken here.
    public func setSourcePolicies(
        _ request: SourceRequest, dryRun: Bool, by author: String
    ) async throws(BrokerError) -> JSONValue {
        do throws(BrokerError) {
            let rule = try rule(for: request.source)
            var begun: [PolicyKey: Int64]?
            let outcome = try await changingPolicies { stored throws(BrokerError) in
                let own = stored.generations(ofOrigin: request.origin)
                let isOvertaken = begun.map { $0 != own } ?? false
                begun = begun ?? own
                return try await replace(
                    request, over: stored, rule, isOvertaken: isOvertaken, dryRun: dryRun, by: author)
            }
            if !dryRun {
                try await follow(outcome)
                metrics.sourceUpdated(outcome.isChange ? "changed" : "unchanged")
                metrics.sourceStands(request.source, refused: outcome.plan.verdicts.count { $0.refusal != nil })
            }
            return await answer(request, outcome, dryRun: dryRun)
        } catch {
            if !dryRun { metrics.sourceUpdated(error.code == "fenced" ? "fenced" : "failed") }
            throw error
        }
    }

    /// Decides by what was stored, and tells the log what its sender is not to know.
    private func follow(_ outcome: Outcome) async throws(BrokerError) {
        if let problem = outcome.plan.problem {
            logger.error(
                "policies of a source do not compile with the others", metadata: ["reason": "\(problem.message)"])
        }
        guard !outcome.plan.unreadable.isEmpty else {
            _ = try await policies.current(atLeast: outcome.generation)
            return
        }
        // Nothing is released until somebody mends those; the source's own changes are taken all the same.
        let names = outcome.plan.unreadable.sorted().map(\.identifier).joined(separator: ", ")
        logger.error("stored policies cannot be read", metadata: ["policies": "\(names)"])
        _ = try? await policies.current(atLeast: outcome.generation)
    }

    /// Forgets a source with its fence, and removes its documents: for one that is gone for good, or whose fence somebody raised
    /// who should not have. Where signatures are required no document changes without one, and only the fence goes. Throws
    /// `notFound` when there is none.
    public func deleteSource(_ name: String, by author: String) async throws(BrokerError) {
        guard !policySignatures.isRequired else { return try await forgetSource(name, by: author) }
        let origin = PolicySource.origin(name)
        try await changingPolicies { stored throws(BrokerError) in
            let own = stored.names(ofOrigin: origin)
            _ = try compile(try parse(stored.policies.filter { !own.contains($0.key) }), stored)
            let generation = try await storing { () async throws(StorageError) in
                try await policyDocuments.removeSource(name, by: author, after: stored.generation)
            }
            guard generation != nil else { throw .notFound("PolicySource", "There is no source of this name") }
        }
        _ = try await policies.current()
        metrics.sourceStands(name, refused: 0)
    }

    private func forgetSource(_ name: String, by author: String) async throws(BrokerError) {
        let isThere = try await storing { () async throws(StorageError) in
            try await policyDocuments.forgetSource(name)
        }
        guard isThere else { throw .notFound("PolicySource", "There is no source of this name") }
        logger.notice("source forgotten", metadata: ["source": "\(name)", "by": "\(author)"])
    }

    /// The sources that wrote, for whoever looks after the brokers.
    func sourceList() async throws(BrokerError) -> [JSONValue] {
        let sources = try await storing { () async throws(StorageError) in try await policyDocuments.sources() }
        return sources.map { source in
            [
                "name": .string(source.name), "fence": .int(source.fence),
                "documents": .int(Int64(source.documents)), "updatedAt": .string(source.updatedAt.rfc3339),
                "updatedBy": .string(source.updatedBy),
            ]
        }
    }

    /// Throws `conflict` (code `owned_by`) when one of these documents belongs to a source: it would come back, or the source
    /// would lose it without knowing.
    func requireNotOfSource(_ keys: some Sequence<PolicyKey>, in stored: PolicySnapshot) throws(BrokerError) {
        for key in keys {
            guard let owner = stored.origin(of: key), PolicySource.name(ofOrigin: owner) != nil else { continue }
            throw BrokerError(
                kind: .conflict, variant: "PolicySource", code: "owned_by",
                message:
                    "\(key) belongs to \(owner) (code: owned_by): change or delete it there, and its controller brings that here"
            )
        }
    }

    // MARK: - Storing

    private struct Outcome: Sendable {
        let plan: SourcePlan
        let generation: Int64
        let isChange: Bool
    }

    /// What the configuration says about a source; nil where it names none, so that any is taken.
    func rule(for source: String) throws(BrokerError) -> PolicySourceConfiguration? {
        let rules = configuration.policies.sources
        guard !rules.isEmpty else { return nil }
        guard let rule = rules.first(where: { $0.name == source }) else {
            throw BrokerError(
                kind: .denied, variant: "PolicySource", code: "unknown_source",
                message: "This broker takes nothing of the source \(source); see policies.sources")
        }
        return rule
    }

    /// Throws `conflict` (code `too_many_sources`) when a source is one more than there may be.
    func checkRoom(forSource source: String) async throws(BrokerError) {
        let hasRoom = try await storing { () async throws(StorageError) in
            try await policyDocuments.hasRoom(forSource: source)
        }
        guard !hasRoom else { return }
        throw BrokerError(
            kind: .conflict, variant: "PolicySource", code: "too_many_sources",
            message:
                "There are \(PolicySource.maximumCount) sources already (code: too_many_sources); an administrator may delete one"
        )
    }

    private func replace(
        _ request: SourceRequest, over stored: PolicySnapshot, _ rule: PolicySourceConfiguration?, isOvertaken: Bool,
        dryRun: Bool, by author: String
    ) async throws(BrokerError) -> Outcome {
        let fence = try await requireLatest(request)
        if fence == nil { try await checkRoom(forSource: request.source) }
        // Of two requests of one leader the one that was still waiting may be the older.
        guard !isOvertaken || fence != request.fence else { throw .sourceOvertaken }
        // Read after the snapshot: what is newer than that makes the change fail and be judged again.
        let uids = try await storing { () async throws(StorageError) in
            try await policyDocuments.uids(ofSource: request.source)
        }
        let plan = try plan(request, over: stored, rule, uids)
        let noted = plan.uids(uids)
        let change = PolicySourceChange(
            source: request.source, fence: request.fence, put: plan.changed.map(\.newPolicy), removed: plan.removed,
            uids: noted, sequence: request.sequence)
        let isChange = !change.put.isEmpty || !change.removed.isEmpty
        // A request that changes nothing still keeps out those that were sent before it.
        let isNews = isChange || noted != uids || fence != request.fence || request.sequence != nil
        guard !dryRun, isNews, !policySignatures.isRequired else {
            return Outcome(plan: plan, generation: stored.generation, isChange: false)
        }
        do throws(BrokerError) {
            let generation = try await storing { () async throws(StorageError) in
                try await policyDocuments.apply(change, by: author, after: stored.generation)
            }
            return Outcome(plan: plan, generation: generation, isChange: isChange)
        } catch {
            // Perhaps it was not the policies that somebody changed, but the leader, or what the leader says.
            if error.kind == .conflict { _ = try await requireLatest(request) }
            throw error
        }
    }

    /// The source's fence; throws `conflict` when it is above that of the request, or the same leader sent something later.
    private func requireLatest(_ request: SourceRequest) async throws(BrokerError) -> Int64? {
        let source = try await storing { () async throws(StorageError) in
            try await policyDocuments.source(request.source)
        }
        guard let source, source.fence > request.fence else {
            try await requireLast(request)
            return source?.fence
        }
        throw BrokerError(
            kind: .conflict, variant: "Fenced", code: "fenced",
            message:
                "A later leader wrote for the source \(request.source) (code: fenced): it has the fence \(source.fence), and this request \(request.fence)"
        )
    }

    private func requireLast(_ request: SourceRequest) async throws(BrokerError) {
        guard let sequence = request.sequence else { return }
        let number = SourceRequestNumber(
            subject: SourceRequestNumber.policies, fence: request.fence, sequence: sequence)
        let isOvertaken = try await storing { () async throws(StorageError) in
            try await policyDocuments.isOvertaken(number, of: request.source)
        }
        if isOvertaken { throw .sourceOvertaken }
    }

    private func plan(
        _ request: SourceRequest, over stored: PolicySnapshot, _ rule: PolicySourceConfiguration?,
        _ uids: [PolicyKey: String]
    ) throws(BrokerError) -> SourcePlan {
        let known = KnownDocuments(policies.latest.bundle, isTrusted: stored.violations.isEmpty)
        let judge = SourceJudge(
            stored: stored, origin: request.origin, uids: uids, rule: rule,
            requiresSignature: policySignatures.isRequired,
            requiresSignedValues: configuration.referenceValues.requiresSignatures, known: known)
        do throws(BrokerError) {
            return try SourcePlan(
                request, judge, registered: CompiledPolicies.registered(stored, at: environment.clock.now()),
                read: { row in known.document(row).map { [$0] } ?? (try? parse([row])) },
                compile: { documents throws(BrokerError) in try compile(documents, stored) })
        } catch {
            logger.error("stored policies do not compile", metadata: ["reason": "\(error.message)"])
            throw .foreignPoliciesInvalid
        }
    }

    // MARK: - Answering

    private func answer(_ request: SourceRequest, _ outcome: Outcome, dryRun: Bool) async -> JSONValue {
        let plan = outcome.plan
        let analysis = PolicyAnalysis(plan.bundle, at: environment.clock.now())
        let matches = await resourceMatches.counts(MatchQuestion(plan.verdicts), at: environment.clock.now())
        var explanations = SourceExplanations(namespaces: Set(plan.verdicts.map { $0.key?.namespace }).count)
        let documents = plan.verdicts.enumerated().map { index, verdict in
            document(verdict, plan, analysis, matches: matches[index], &explanations)
        }
        return [
            "dryRun": .bool(dryRun), "source": .string(request.source), "fence": .int(request.fence),
            "generation": .int(outcome.generation), "bundleDigest": .string(plan.bundle.digest),
            "documents": .array(documents),
            "removed": .array(plan.removed.sorted().map { .string($0.identifier) }),
            "removalsWithheld": .bool(plan.withholdsRemovals),
        ]
    }

    private func document(
        _ verdict: SourceVerdict, _ plan: SourcePlan, _ analysis: PolicyAnalysis, matches: Int?,
        _ explanations: inout SourceExplanations
    ) -> JSONValue {
        let accepted = verdict.accepted
        let inForce = accepted ?? verdict.key.flatMap { plan.former[$0] }
        let standing = accepted.map(analysis.standing)
        let namespace = verdict.key?.namespace
        func list(_ texts: [String]?) -> JSONValue {
            .array(explanations.fitting((texts ?? []).map { .string($0) }, of: namespace))
        }
        let message = explanations.fitting(verdict.refusal?.message, of: namespace)
        return [
            "kind": .optional(verdict.key?.kind), "namespace": .optional(verdict.key?.namespace),
            "name": .optional(verdict.key?.name), "uid": .optional(verdict.uid),
            "generation": verdict.generation.map { .int($0) } ?? .null,
            "accepted": .bool(accepted != nil),
            "compiled": .bool(verdict.document != nil && verdict.refusal?.isOfCompilation != true),
            "change": .string(plan.change(of: verdict)), "digest": .optional(verdict.document?.digest),
            "inForce": .optional(inForce?.digest), "code": .optional(verdict.refusal?.code),
            "message": .optional(message),
            "diagnostics": .array(explanations.fitting(verdict.diagnosticsJSON, of: namespace)),
            "shadowedBy": list(standing?.shadowedBy), "unresolvedReferences": list(standing?.unresolvedReferences),
            "matchesResources": matches.map { .int(Int64($0)) } ?? .null,
        ]
    }
}

extension PolicySnapshot {
    fileprivate func generations(ofOrigin origin: String) -> [PolicyKey: Int64] {
        Dictionary(policies.filter { $0.origin == origin }.map { ($0.key, $0.generation) }) { first, _ in first }
    }
}

extension BrokerError {
    fileprivate static let sourceOvertaken = BrokerError(
        kind: .conflict, variant: "PolicySource", code: "overtaken",
        message: "Another request of the same leader changed the source meanwhile (code: overtaken); send the list anew"
    )

    /// What is wrong with it is not for everybody who may write a policy.
    fileprivate static let foreignPoliciesInvalid = BrokerError(
        kind: .conflict, variant: "PolicySource", code: "policies_invalid",
        message:
            "What is stored besides the source's changes does not compile (code: policies_invalid); administrators find in the broker's log why"
    )
}

extension SourceVerdict.Refusal {
    /// Whether the document could not be read, or not together with the others.
    fileprivate var isOfCompilation: Bool { !diagnostics.isEmpty || code == "not_compiled" }
}
