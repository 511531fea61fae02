public import Encodings
import FoundationEssentials
import KBSProtocol
import Logging
import Policy
import Storage

extension Broker {
    private static let secretAttempts = 8

    /// The public keys (RFC 7517) to which values are sealed before they go to this broker.
    public func sealingKeySet() -> JSONObject { sealingKeys.publicKeys() }

    /// Makes a new key the one to seal to; what was sealed to the former one is opened for another 90 days.
    public func rotateSealingKey(by author: String) async throws(BrokerError) -> JSONValue {
        try await sealingKeys.rotate()
        logger.notice("sealing key rotated", metadata: ["by": "\(author)"])
        return .object(sealingKeys.publicKeys())
    }

    /// Brings a brokered secret to what its object says; nothing happens when it is so already.
    ///
    /// Answers with `{"uri", "currentVersion", "contentMAC", "rotatedAt", "nextRotation", "policyAttached"}`, never with a
    /// value. Throws `malformed` for a spec or sealed value that cannot be used, and `conflict` with code `fenced` when a
    /// newer writer has spoken for the source, `owned_by` when somebody else wrote the resource and the object does not
    /// adopt it, `adopt_not_allowed` when its source may not, `destroyed` when an administrator destroyed the value,
    /// `overtaken`, `path_changed`, `sealed_replay`, `namespace_quota` or `too_many_sources`.
    public func applySecret(_ request: SecretRequest, by author: String) async throws(BrokerError) -> JSONValue {
        let wanted = try WantedSecret(request)
        let rule = try checkRule(request.namespace, of: request.source)
        var seen: SecretSituation?
        var value: SecretBytes?
        for _ in 0..<Self.secretAttempts {
            let fence = try await checkFence(request.fence, of: request.source)
            try await requireLast(request.number, of: request.source)
            let situation = try await situation(request.namespace, request.name, wanted.path)
            let plan = try SecretPlan(wanted, situation, mayAdopt: rule?.allowsAdopting ?? false)
            if !plan.needsValue, fence == request.fence, let state = situation.state,
                state.serialized() == plan.state.serialized()
            {
                try await note(request.number, of: request.source, by: author)
                return answer(state, wanted.path)
            }
            if let seen { try Self.requireNotOvertaken(request, plan, seen, situation) }
            seen = seen ?? situation
            try await checkRoom(wanted, situation)
            // Once: to make a key can take long, and one that was made may as well be used.
            if plan.needsValue, value == nil { value = try await self.value(for: wanted) }
            if let state = try await carryOut(plan, wanted, value, situation, by: author) {
                return answer(state, wanted.path)
            }
        }
        throw .unavailable("secret_contended", "The secret is being changed again and again; try again later")
    }

    /// Throws `overtaken` when somebody changed the secret while this request waited, and this request would change it back:
    /// nothing says which of two values of a Secret is the newer, and what was let go of is not to come again. Its sender looks
    /// again and sends what there is.
    static func requireNotOvertaken(
        _ request: SecretRequest, _ plan: SecretPlan, _ first: SecretSituation, _ now: SecretSituation
    ) throws(BrokerError) {
        let isGone = first.stored?.path != nil && now.stored?.path == nil
        let isChanged = (first.stored?.revision ?? 0) != (now.stored?.revision ?? 0) || first.latest != now.latest
        guard isGone || (isChanged && plan.needsValue && request.value != nil) else { return }
        throw .secretOvertaken
    }

    @discardableResult
    private func checkRule(
        _ namespace: String, of source: String
    ) throws(BrokerError) -> PolicySourceConfiguration? {
        let rule = try rule(for: source)
        guard rule?.allowsSecrets ?? true else {
            throw BrokerError(
                kind: .denied, variant: "SecretError", code: "secrets_not_allowed",
                message:
                    "The source \(source) may not have secrets (code: secrets_not_allowed); see `secrets` in policies.sources"
            )
        }
        guard rule?.allows(namespace: namespace) ?? true else {
            throw BrokerError(
                kind: .denied, variant: "SecretError", code: "namespace_not_allowed",
                message: "The source \(source) may not have secrets of this namespace (code: namespace_not_allowed)")
        }
        return rule
    }

    /// Throws `namespace_quota` when the object would have one more secret than its namespace may have, and `too_many_sources`
    /// for one more source than there may be.
    private func checkRoom(_ wanted: WantedSecret, _ situation: SecretSituation) async throws(BrokerError) {
        guard situation.stored?.path == nil else { return }
        let request = wanted.request
        let hasRoom = try await storing { () async throws(StorageError) in
            try await secrets.hasRoom(namespace: request.namespace, name: request.name)
        }
        guard hasRoom else {
            throw .secretConflict(
                "namespace_quota",
                "The namespace \(request.namespace) has \(SecretRepository.maximumCountOfNamespace) secrets, which is all that it may have"
            )
        }
        try await checkRoom(forSource: request.source)
    }

    private func checkFence(_ fence: Int64, of source: String) async throws(BrokerError) -> Int64 {
        let stored = try await storing { () async throws(StorageError) in try await secrets.fence(of: source) }
        guard fence >= stored else { throw .fenced }
        return stored
    }

    /// Throws `overtaken` when the same leader asked for something else of the object later.
    private func requireLast(_ number: SourceRequestNumber?, of source: String) async throws(BrokerError) {
        guard let number else { return }
        let isOvertaken = try await storing { () async throws(StorageError) in
            try await policyDocuments.isOvertaken(number, of: source)
        }
        if isOvertaken { throw .secretOvertaken }
    }

    /// Keeps out what was asked for before a request that changes nothing.
    private func note(
        _ number: SourceRequestNumber?, of source: String, by author: String
    ) async throws(BrokerError) {
        guard let number else { return }
        do throws(StorageError) {
            try await secrets.note(number, of: source, by: author)
        } catch {
            guard error.code == .conflict else { throw BrokerError(error) }
            _ = try await checkFence(number.fence, of: source)
            throw .secretOvertaken
        }
    }

    /// What there is of a secret at one time: what was changed between two looks is looked at again, so that nobody's own
    /// version is taken for somebody else's.
    func situation(
        _ namespace: String, _ name: String, _ path: ResourcePath
    ) async throws(BrokerError) -> SecretSituation {
        var seen = try await look(namespace, name, path)
        for _ in 0..<Self.secretAttempts where seen.latest != seen.state?.version {
            let again = try await look(namespace, name, path)
            let isSame = again.stored?.revision == seen.stored?.revision && again.latest == seen.latest
            seen = again
            if isSame { break }
        }
        return seen
    }

    private func look(
        _ namespace: String, _ name: String, _ path: ResourcePath
    ) async throws(BrokerError) -> SecretSituation {
        try await storing { () async throws(StorageError) in
            let stored = try await secrets.find(namespace: namespace, name: name)
            let holder = try await secrets.holder(path: path.description)
            return SecretSituation(
                stored: stored,
                state: try stored.map { secret throws(StorageError) in try SecretState(secret.content) },
                latest: try await secrets.latestVersion(path: path.description),
                isHeldByAnother: holder.map { $0 != (namespace, name) } ?? false)
        }
    }

    /// The state that was stored; `nil` when something changed meanwhile, so that everything has to be looked at again.
    private func carryOut(
        _ plan: SecretPlan, _ wanted: WantedSecret, _ value: SecretBytes?, _ situation: SecretSituation,
        by author: String
    ) async throws(BrokerError) -> SecretState? {
        let request = wanted.request
        var state = plan.state
        var change = SecretChange(
            namespace: request.namespace, name: request.name, source: request.source, path: wanted.path.description,
            content: SecretBytes([]), author: author, after: situation.stored?.revision ?? 0, fence: request.fence,
            fencedSource: request.source, sequence: request.sequence, versionsKept: state.versionsKept,
            foreignThrough: state.foreignThrough)
        if plan.needsValue, let value {
            change.value = try await newVersion(value, of: wanted.path, replacing: situation.latest, &state)
        }
        guard try await store(&change, state) else { return nil }
        if let value = change.value {
            metrics.resourceWrites.increment()
            logger.info(
                "brokered secret written",
                metadata: ["origin": "\(state.origin)", "version": "\(value.version)", "by": "\(author)"])
        }
        return state
    }

    private func value(for wanted: WantedSecret) async throws(BrokerError) -> SecretBytes {
        switch wanted.spec.origin {
        case .generate(let generated): return try await keyWorkshop.make(generated)
        case .sealed(let text): return try await sealingKeys.open(try SealedForBroker(reading: text))
        case .secretRef:
            guard let value = wanted.request.value else {
                throw .secretRefused("value_missing", "A secret with `secretRef` comes with a value")
            }
            return value
        }
    }

    /// Reserves the next version of a resource for a value, and notes it in the state.
    func newVersion(
        _ value: SecretBytes, of path: ResourcePath, replacing latest: Int64, _ state: inout SecretState
    ) async throws(BrokerError) -> SecretChange.NewValue {
        let version = try await storing { () async throws(StorageError) in
            try await secrets.reserveVersion(path: path.description, tenant: path.repository)
        }
        state.written(value, version: version, path: path.description, at: environment.clock.now())
        return SecretChange.NewValue(version: version, value: value, replaces: latest)
    }

    /// Whether a change was made; false when what it was decided on is not so any more.
    func store(_ change: inout SecretChange, _ state: SecretState) async throws(BrokerError) -> Bool {
        change.content = state.serialized()
        change.nextRotation = state.nextRotation
        let final = change
        do throws(StorageError) {
            try await secrets.store(final)
            return true
        } catch {
            guard error.code == .conflict else { throw BrokerError(error) }
            return false
        }
    }

    private func answer(_ state: SecretState, _ path: ResourcePath) -> JSONValue {
        [
            "uri": .string("kbs:///\(path)"), "currentVersion": .int(state.version),
            "contentMAC": .string(state.contentMAC), "rotatedAt": .string(Self.time(state.rotatedAt)),
            "nextRotation": .optional(state.nextRotation.map(Self.time)),
            "policyAttached": .bool(policies.latest.bundle.couldRelease(path.segments)),
        ]
    }

    private static func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).rfc3339
    }

    /// Lets go of a brokered secret. With `Delete` the resource's versions are destroyed, unless somebody else wrote the
    /// latest one; those that the object took over stay. That there is nothing of this object is no error.
    ///
    /// Answers with `{"uri", "removed", "destroyed"}`. Throws `conflict` with code `fenced`, or `owned_by` when another
    /// object has the secret.
    public func removeSecret(_ removal: SecretRemoval, by author: String) async throws(BrokerError) -> JSONValue {
        try SecretSource.check(source: removal.source, uid: removal.uid, fence: removal.fence)
        try checkRule(removal.namespace, of: removal.source)
        let override = try removal.deletionPolicy.map(Self.deletionPolicy)
        for _ in 0..<Self.secretAttempts {
            _ = try await checkFence(removal.fence, of: removal.source)
            try await requireLast(removal.number, of: removal.source)
            let stored = try await storing { () async throws(StorageError) in
                try await secrets.find(namespace: removal.namespace, name: removal.name)
            }
            guard let stored, let path = stored.path else {
                try await note(removal.number, of: removal.source, by: author)
                return ["uri": .null, "removed": false, "destroyed": false]
            }
            let (state, latest) = try await storing { () async throws(StorageError) in
                (try SecretState(stored.content), try await secrets.latestVersion(path: path))
            }
            guard stored.source == removal.source, state.uid == removal.uid else {
                throw .secretConflict("owned_by", "Another object has this secret")
            }
            let isDestroyed = (override ?? state.deletionPolicy) == .delete && latest > 0 && latest == state.version
            if try await remove(stored, state, removal, destroying: isDestroyed ? path : nil, by: author) {
                if isDestroyed { metrics.resourceDeletes.increment() }
                return ["uri": .string("kbs:///\(path)"), "removed": true, "destroyed": .bool(isDestroyed)]
            }
        }
        throw .unavailable("secret_contended", "The secret is being changed again and again; try again later")
    }

    private func remove(
        _ stored: StoredSecret, _ state: SecretState, _ removal: SecretRemoval, destroying path: String?,
        by author: String
    ) async throws(BrokerError) -> Bool {
        let memory = state.memory
        let change = SecretChange(
            namespace: stored.namespace, name: stored.name, source: "", path: nil,
            content: memory?.serialized() ?? SecretBytes([]), author: author, after: stored.revision,
            fence: removal.fence, fencedSource: removal.source, sequence: removal.sequence,
            foreignThrough: state.foreignThrough)
        do throws(StorageError) {
            try await secrets.remove(change, leavesMemory: memory != nil, destroying: path)
            return true
        } catch {
            guard error.code == .conflict else { throw BrokerError(error) }
            return false
        }
    }

    private static func deletionPolicy(_ text: String) throws(BrokerError) -> BrokeredSecretSpec.DeletionPolicy {
        if let policy = BrokeredSecretSpec.DeletionPolicy(rawValue: text) { return policy }
        throw .secretRefused("invalid_deletion_policy", "The deletion policy is Retain or Delete")
    }
}
