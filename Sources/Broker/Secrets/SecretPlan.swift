import Crypto
import Encodings
import FoundationEssentials
import Policy
import Storage

/// What there is of a brokered secret when a request for it comes.
struct SecretSituation: Sendable {
    let stored: StoredSecret?
    let state: SecretState?
    /// The latest version of the resource that was not destroyed; 0 if there is none.
    let latest: Int64
    /// Whether another object keeps its value under the path.
    let isHeldByAnother: Bool

    /// Whether the object of a request is the one that is remembered.
    func isOwned(by request: SecretRequest) -> Bool {
        guard let stored, let state, stored.path != nil else { return false }
        return stored.source == request.source && state.uid == request.uid
    }
}

/// What a request leads to: a state, and whether a value is needed for it.
struct SecretPlan: Sendable {
    let state: SecretState
    let needsValue: Bool

    /// - Parameter mayAdopt: Whether the source may take over what somebody else wrote.
    /// - Throws: `conflict` when the resource belongs to somebody else, was destroyed, or the request comes too late.
    init(_ wanted: WantedSecret, _ situation: SecretSituation, mayAdopt: Bool) throws(BrokerError) {
        let isOwned = situation.isOwned(by: wanted.request)
        try Self.checkOwner(wanted, situation, isOwned: isOwned, mayAdopt: mayAdopt)
        let former = isOwned ? situation.state : nil
        var state = former ?? situation.state?.memory ?? SecretState()
        let reference = wanted.reference
        if state.origin != wanted.originName || state.reference != reference { state.macKey = .random(count: 32) }
        let isPresent = isOwned && situation.latest > 0 && situation.latest == state.version
        needsValue = !isPresent || Self.isChanged(state, wanted)
        if !isPresent { state.foreignThrough = max(state.foreignThrough, situation.latest) }
        state.uid = wanted.request.uid
        state.generation = wanted.request.generation
        state.origin = wanted.originName
        state.reference = reference
        state.versionsKept = wanted.spec.versionsKept
        state.deletionPolicy = wanted.spec.deletionPolicy
        state.adopts = wanted.spec.adopts
        state.generated = nil
        switch wanted.spec.origin {
        case .generate(let generated): state.generated = generated
        case .sealed(let text): try Self.take(text, wanted, into: &state)
        case .secretRef: break
        }
        self.state = state
    }

    private static func checkOwner(
        _ wanted: WantedSecret, _ situation: SecretSituation, isOwned: Bool, mayAdopt: Bool
    ) throws(BrokerError) {
        guard !situation.isHeldByAnother else {
            throw .secretConflict("owned_by", "Another object keeps its value as \(wanted.path)")
        }
        if isOwned, let stored = situation.stored, let state = situation.state {
            guard stored.path == wanted.path.description else {
                throw .secretConflict("path_changed", "The path of a secret cannot change")
            }
            guard wanted.request.generation >= state.generation else {
                throw .secretConflict("overtaken", "A later generation of the object was seen already")
            }
            // Destroyed by somebody for whom it was time: only who changes the object says that it is to be made again.
            guard situation.latest >= state.version || wanted.request.generation > state.generation else {
                throw .secretConflict(
                    "destroyed", "An administrator destroyed this value; change the object's spec to have another")
            }
        }
        guard let owner = foreignOwner(wanted, situation, isOwned: isOwned) else { return }
        guard wanted.spec.adopts else {
            throw .secretConflict("owned_by", "\(owner); `adopt` takes it over, and replaces its value")
        }
        guard mayAdopt else {
            throw .secretConflict(
                "adopt_not_allowed",
                "\(owner), and the source \(wanted.request.source) may not take over what others wrote; see `adopt` in policies.sources"
            )
        }
    }

    /// Who has the resource, as a sentence without its end; nil when the object may have it without taking it over.
    private static func foreignOwner(_ wanted: WantedSecret, _ situation: SecretSituation, isOwned: Bool) -> String? {
        if !isOwned, situation.stored?.path != nil {
            return "Another object of this name, or of another source, has this secret"
        }
        let written = isOwned ? situation.state?.version ?? 0 : 0
        guard situation.latest == 0 || situation.latest == written else {
            return "Somebody else wrote \(wanted.path)"
        }
        return nil
    }

    private static func isChanged(_ state: SecretState, _ wanted: WantedSecret) -> Bool {
        guard state.origin == wanted.originName else { return true }
        switch wanted.spec.origin {
        case .generate(let generated):
            return state.generated?.kind != generated.kind
                || generated.kind == .random && state.generated?.length != generated.length
        case .sealed(let text): return state.sealedDigest != digest(text)
        case .secretRef:
            // What another Secret holds is new even when it is the same: whoever chose it must not learn that.
            guard state.reference == wanted.reference else { return true }
            guard let value = wanted.request.value else { return false }
            return state.mac(of: value, version: state.version, path: wanted.path.description) != state.contentMAC
        }
    }

    /// Takes a sealed value's serial: it must be for this object and resource, and no older one than was seen.
    private static func take(
        _ text: String, _ wanted: WantedSecret, into state: inout SecretState
    ) throws(BrokerError) {
        let sealed = try SealedForBroker(reading: text)
        guard sealed.isFor(namespace: wanted.request.namespace, name: wanted.request.name, path: wanted.path) else {
            throw .secretRefused(
                "sealed_for_another", "The value was sealed for another object or resource, and cannot be used here")
        }
        let digest = digest(text)
        guard sealed.serial > state.serial || state.sealedDigest == digest else {
            throw .secretConflict(
                "sealed_replay",
                "A value with the serial \(state.serial) was taken already; seal the value with a higher one")
        }
        state.serial = sealed.serial
        state.sealedDigest = digest
    }

    private static func digest(_ text: String) -> String { Hex.encode(Array(SHA256.hash(data: Array(text.utf8)))) }
}

extension SecretState {
    /// Notes a new version.
    mutating func written(_ value: SecretBytes, version: Int, path: String, at now: Date) {
        self.version = Int64(version)
        contentMAC = mac(of: value, version: Int64(version), path: path)
        rotatedAt = Int64(now.timeIntervalSince1970.rounded(.down))
    }
}

extension SealedForBroker {
    init(reading text: String) throws(BrokerError) {
        do {
            self = try SealedForBroker(text)
        } catch {
            throw .secretRefused("sealed_value_malformed", error.message)
        }
    }
}
