import FoundationEssentials
import Logging
import Storage

/// Remembers how many resources policies are about, so that the database is asked about new patterns only, and about all of them
/// now and then; once at a time, however many lists come.
actor ResourceMatches {
    /// Seconds for which an answer is believed: less than controllers wait before they send everything again.
    static let freshness: TimeInterval = 240
    /// Seconds for which nothing is asked after the database took too long.
    static let pause: TimeInterval = 60
    /// The most answers that are remembered beside those of the last question.
    static let maximumRemembered = 16_000

    typealias Count = @Sendable ([Set<ResourceShape>]) async throws(StorageError) -> [ResourceCount]

    private let count: Count
    private let logger: Logger
    private var known: [Set<ResourceShape>: (count: ResourceCount, at: Date)] = [:]
    private var failedAt: Date?
    private var asking: Task<Void, Never>?

    init(logger: Logger, count: @escaping Count) {
        self.count = count
        self.logger = logger
    }

    /// The number of resources of each policy by its place in the list; none where it is not known.
    func counts(_ question: MatchQuestion, at now: Date) async -> [Int: Int] {
        let before = asking
        let task = Task {
            await before?.value
            await ask(question, at: now)
        }
        asking = task
        await task.value
        var counts: [Int: Int] = [:]
        for part in question.parts {
            guard case .known(let count)? = known[part.shapes]?.count, part.isWhole || count > 0 else { continue }
            counts[part.place] = count
        }
        return counts
    }

    private func ask(_ question: MatchQuestion, at now: Date) async {
        guard failedAt.map({ abs(now.timeIntervalSince($0)) >= Self.pause }) ?? true else { return }
        var shapes: Set<ResourceShape> = []
        var sets: Set<Set<ResourceShape>> = []
        for part in question.parts where !isFresh(part.shapes, at: now) {
            let all = shapes.union(part.shapes)
            guard all.count <= ResourceRepository.maximumShapes else { continue }
            shapes = all
            sets.insert(part.shapes)
        }
        guard !sets.isEmpty else { return }
        let asked = Array(sets)
        do throws(StorageError) {
            let answers = try await count(asked)
            remember(zip(asked, answers), question, at: now)
            failedAt = nil
        } catch {
            failedAt = now
            logger.warning("resources of policies were not counted", metadata: ["reason": "\(error)"])
        }
    }

    private func isFresh(_ shapes: Set<ResourceShape>, at now: Date) -> Bool {
        known[shapes].map { abs(now.timeIntervalSince($0.at)) < Self.freshness } ?? false
    }

    private func remember(
        _ answers: some Sequence<(Set<ResourceShape>, ResourceCount)>, _ question: MatchQuestion, at now: Date
    ) {
        for (shapes, count) in answers { known[shapes] = (count, now) }
        guard known.count > Self.maximumRemembered else { return }
        let wanted = Set(question.parts.map(\.shapes))
        known = known.filter { wanted.contains($0.key) }
    }
}
