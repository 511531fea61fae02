import Kubernetes
import Synchronization

/// What the broker said of bundles, by the version that it was handed.
final class BundleAnswers: Sendable {
    /// Which state of an object, and in whose term it was handed over.
    struct Version: Sendable, Hashable {
        let uid: String
        let generation: Int64
        let fence: Int64
    }

    private struct Entry {
        let version: Version
        let answer: BundleAnswer
        let at: ContinuousClock.Instant
        /// The last wait between two looks at the replicas; nil before the first.
        var look: Duration?
    }

    private let entries = Mutex<[ObjectKey: Entry]>([:])

    func keep(_ answer: BundleAnswer, _ key: ObjectKey, _ version: Version, at now: ContinuousClock.Instant) {
        entries.withLock { $0[key] = Entry(version: version, answer: answer, at: now) }
    }

    func forget(_ key: ObjectKey) { entries.withLock { $0[key] = nil } }

    /// The answer to this very version.
    func answer(_ key: ObjectKey, to version: Version) -> BundleAnswer? {
        entries.withLock { $0[key].flatMap { $0.version == version ? $0.answer : nil } }
    }

    /// How long ago the bundle was handed over.
    func age(_ key: ObjectKey, at now: ContinuousClock.Instant) -> Duration? {
        entries.withLock { $0[key].map { now - $0.at } }
    }

    /// All replicas decide by it: the next time that one does not is the first again.
    func followed(_ key: ObjectKey) { entries.withLock { $0[key]?.look = nil } }

    /// How long to wait before the replicas are looked at again.
    func nextLook(_ key: ObjectKey, first: Duration, longest: Duration) -> Duration {
        entries.withLock { entries in
            let look = entries[key]?.look.map { min($0 * 2, longest) } ?? first
            entries[key]?.look = look
            return look
        }
    }
}
