import Crypto
public import Encodings
import FoundationEssentials
import Logging
import RATS
import Storage

/// A machine whose firmware was compared with what it had before.
struct PlatformComparison: Sendable {
    /// Names the machine; 64 hex digits.
    let id: String
    /// What the evidence says.
    let levels: [String: Int64]
    /// The parts that are older now, with the level that they had.
    let lowered: [String: Int64]

    /// The claim `platform`.
    var claims: JSONObject {
        ["id": .string(id), "tcb_rollback": .bool(!lowered.isEmpty), "tcb_rollback_from": .object(Self.json(lowered))]
    }

    /// Each part that is older now, before and now.
    var sentence: String {
        lowered.sorted { $0.key < $1.key }
            .map { "\($0.key) was \($0.value) and is \(levels[$0.key] ?? 0)" }.joined(separator: ", ")
    }

    static func json(_ levels: [String: Int64]) -> JSONObject {
        JSONObject(levels.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) })
    }
}

/// The broker's memory of machines: the newest firmware that each was accepted with.
///
/// It is the operator's and no tenant's: whether firmware was put back is a property of the machine, whoever's guest runs on
/// it. Only evidence that was verified in full comes here, so what is remembered was signed by the machine.
extension Broker {
    /// The most machines in one answer to ``platformList(after:limit:)``.
    public static let platformPage = 1_000
    private static let maximumReasonBytes = 1_024

    /// Compares the machine behind verified evidence with what is remembered of it, and remembers what is newer; `nil` when
    /// the evidence names no machine.
    ///
    /// Throws `unavailable` when the memory cannot be asked, or was changed by somebody else: a machine that nothing is
    /// known of must not look like one that was never rolled back.
    func compare(_ platform: PlatformLevels?) async throws(BrokerError) -> PlatformComparison? {
        guard let platform else { return nil }
        let id = Self.platformID(platform)
        let sighting = PlatformSighting(
            id: id, maker: platform.maker.rawValue, levels: platform.levels, about: platform.about)
        let lowered: [String: Int64]
        do throws(StorageError) {
            lowered = try await platforms.observe(sighting)
        } catch {
            throw unusable(error)
        }
        return PlatformComparison(id: Hex.encode(id), levels: platform.levels, lowered: lowered)
    }

    private func unusable(_ error: StorageError) -> BrokerError {
        switch error.code {
        case .corrupt:
            logger.error(
                "a machine's memory cannot be believed; have it forgotten", metadata: ["reason": "\(error.message)"])
            return .unavailable("platform_unauthentic", "What is remembered of the machine cannot be used")
        case .keyUnknown:
            logger.error("a machine's memory cannot be opened", metadata: ["reason": "\(error.message)"])
            return .unavailable(
                "platform_key_unknown",
                "What is remembered of the machine is under a key that this broker does not have yet; try again later")
        default: return BrokerError(error)
        }
    }

    /// A digest: the ledger and the memory of machines need to tell them apart, not to know their serial numbers.
    private static func platformID(_ platform: PlatformLevels) -> [UInt8] {
        let maker = platform.maker.rawValue
        return Array(
            SHA256.hash(data: Array("claviger platform \(maker.utf8.count):\(maker)".utf8) + platform.identifier))
    }

    /// Records that a machine which is let in, as far as the broker itself is concerned, has older firmware than before.
    func recordRollback(
        _ comparison: PlatformComparison, tee: TEE, now: Date
    ) async throws(BrokerError) {
        let id = DecisionRecord.makeID(at: now)
        try await append(
            DecisionRecord(
                id: id, at: now, allowed: true, code: "tcb_rollback",
                reason: "The machine \(comparison.id) has older firmware than it was accepted with before: "
                    + "\(comparison.sentence). Policies decide what its guests get.",
                operation: "attest", plugin: "attest", path: "", tee: tee.rawValue,
                bundleDigest: policies.latest.bundle.digest,
                trace: [
                    "stage": "platform", "platform": .string(comparison.id),
                    "before": .object(PlatformComparison.json(comparison.lowered)),
                    "now": .object(
                        PlatformComparison.json(comparison.levels.filter { comparison.lowered[$0.key] != nil })),
                ]))
        metrics.rolledBack(tee: tee.rawValue)
        logger.warning(
            "a machine has older firmware than before",
            metadata: ["decision": "\(id)", "platform": "\(comparison.id)", "levels": "\(comparison.sentence)"])
    }

    /// What is remembered, a page of machines ordered by id.
    ///
    /// - Parameters:
    ///   - after: The id of the last machine of the page before; empty for the first page.
    ///   - limit: At most so many.
    /// - Throws: `malformed` for an id that cannot be.
    public func platformList(after: String, limit: Int) async throws(BrokerError) -> JSONValue {
        let last = after.isEmpty ? [] : try Self.platformID(named: after)
        let found = try await storing { () async throws(StorageError) in
            try await platforms.list(after: last, limit: limit)
        }
        return ["platforms": .array(found.map(\.json)), "more": .bool(found.count == limit)]
    }

    /// Forgets what firmware a machine had, so that what it has now counts as the newest, and records in the ledger who did
    /// it and why.
    ///
    /// - Throws: `malformed` for an id that cannot be or a reason that is missing or too long, `notFound` when nothing is
    ///   remembered; nothing is recorded then.
    public func forgetPlatform(_ id: String, reason: String, by author: String) async throws(BrokerError) -> JSONValue {
        guard reason.utf8.count <= Self.maximumReasonBytes, !reason.utf8.contains(0) else {
            throw .malformed("PlatformError", code: "too_long", "The reason is too long, or holds a NUL")
        }
        guard reason.contains(where: { !$0.isWhitespace }) else {
            throw .malformed("PlatformError", code: "no_reason", "A machine is forgotten for a reason")
        }
        let named = try Self.platformID(named: id)
        let now = environment.clock.now()
        let decision = DecisionRecord.makeID(at: now)
        let record = DecisionRecord(
            id: decision, at: now, allowed: true, code: "platform_forgotten",
            reason: "\(author) made the broker forget what firmware a machine had: \(reason)", operation: "forget",
            plugin: "platforms", path: "", bundleDigest: policies.latest.bundle.digest,
            trace: ["stage": "platform", "platform": .string(Hex.encode(named)), "by": .string(author)])
        try await storing { () async throws(StorageError) in try await platforms.forget(named, record: record) }
        logger.notice("machine forgotten", metadata: ["decision": "\(decision)", "by": "\(author)"])
        return ["platform": .string(Hex.encode(named)), "decision": .string(decision)]
    }

    private static func platformID(named text: String) throws(BrokerError) -> [UInt8] {
        guard text.utf8.count == 64, let id = try? Hex.decode(text) else {
            throw .malformed(
                "PlatformError", code: "invalid_platform", "A machine is named by the 64 hex digits of an explanation")
        }
        return id
    }

    /// After a rotation the older key-encryption key can go; nothing else seals rows that nobody attests from.
    ///
    /// There may be many rows, and all of them can be read meanwhile: guests are served while this goes on.
    func renewPlatformSeals() async {
        do throws(StorageError) {
            let count = try await platforms.renewSeals()
            guard count > 0 else { return }
            logger.notice(
                "memory of machines sealed under the current key-encryption key", metadata: ["machines": "\(count)"])
        } catch {
            guard error.code != .cancelled else { return }
            logger.error("the memory of machines cannot be sealed anew", metadata: ["reason": "\(error)"])
        }
    }
}

extension StoredPlatform {
    fileprivate var json: JSONValue {
        [
            "id": .string(Hex.encode(id)), "maker": .string(maker), "authentic": .bool(isAuthentic),
            "levels": .object(PlatformComparison.json(levels)), "about": .object(about),
            "firstSeen": .string(firstSeen.rfc3339), "raisedAt": .string(raisedAt.rfc3339),
            "lastSeen": .string(lastSeen.rfc3339),
        ]
    }
}
