public import FoundationEssentials
import Logging
public import RATS
public import Storage

/// How an item that is kept stands.
public struct CollateralStanding: Sendable, Hashable {
    /// What is known of it.
    public let summary: CollateralSummary
    /// How it stands in time, or that it is not used.
    public let state: CollateralState
    /// When it is to be renewed; nil when it never is.
    public let renewal: Date?
}

/// What became of an item that was to be taken over.
public struct CollateralImport: Sendable, Hashable {
    /// Its name.
    public let name: CollateralName
    /// Why it was refused; nil when it is kept now.
    public let refusal: CollateralError?
}

/// What operators ask of a cache.
extension CollateralCache {
    /// How what is kept stands, ordered by name: names that begin with `prefix` and come after `after`, at most `limit`.
    ///
    /// - Throws: ``StorageError``; `corrupt` when the marks of what was seen are not as a broker left them.
    public func standing(
        prefix: String, after: String, limit: Int
    ) async throws(StorageError) -> [CollateralStanding] {
        let now = clock.now()
        return try await store.list(prefix: prefix, after: after, limit: limit).map { summary, isAuthentic in
            CollateralStanding(
                summary: summary,
                state: isAuthentic ? settings.state(nextUpdate: summary.nextUpdate, at: now) : .unauthentic,
                renewal: settings.renewal(fetchedAt: summary.fetchedAt, nextUpdate: summary.nextUpdate, at: now))
        }
    }

    /// How one item stands.
    public func standing(of entry: CollateralEntry) -> CollateralStanding {
        let (summary, now) = (entry.stored.summary, clock.now())
        return CollateralStanding(
            summary: summary, state: settings.state(nextUpdate: summary.nextUpdate, at: now),
            renewal: settings.renewal(fetchedAt: summary.fetchedAt, nextUpdate: summary.nextUpdate, at: now))
    }

    /// Who is not asked at this moment, and for what, as the replicas told each other.
    ///
    /// - Throws: ``StorageError``.
    public func standingPauses() async throws(StorageError) -> [CollateralPause] {
        try await store.pauses(now: clock.now())
    }

    /// The names of the origins, in the order in which they are asked.
    public var originNames: [String] { origins.map(\.name) }

    /// Everything that is kept under names that begin with `prefix` and can be believed, for a site without a network.
    ///
    /// - Throws: ``StorageError``; ``CollateralBundleError`` when it is too much for one bundle.
    public func export(prefix: String) async throws -> CollateralBundle {
        var items: [CollateralBundleItem] = []
        var after = ""
        var bytes = 0
        while bytes < CollateralBundle.maximumBytes {
            let page = try await store.list(prefix: prefix, after: after, limit: Self.exportPage)
            for (summary, isAuthentic) in page where isAuthentic {
                guard let stored = try await store.find(summary.name), let entry = CollateralEntry(stored) else {
                    continue
                }
                bytes += entry.size
                items.append(CollateralBundleItem(name: entry.name, item: entry.item, source: entry.source))
            }
            guard page.count == Self.exportPage, let last = page.last else { break }
            after = last.summary.name
        }
        return try CollateralBundle(items: items, created: clock.now())
    }

    private static let exportPage = 100

    /// Takes items over, each of which is verified as if it came from its publisher; one that is refused keeps none of the
    /// others out.
    public func take(_ items: [CollateralBundleItem], by author: String) async -> [CollateralImport] {
        var outcomes: [CollateralImport] = []
        for item in items {
            do throws(CollateralError) {
                _ = try await keep(item.item, named: item.name, from: Self.imported(item.source), isLasting: true)
                outcomes.append(CollateralImport(name: item.name, refusal: nil))
            } catch {
                metrics.refused(code: error.code)
                outcomes.append(CollateralImport(name: item.name, refusal: error))
            }
        }
        logger.notice(
            "collateral imported",
            metadata: [
                "by": "\(author)", "kept": "\(outcomes.count { $0.refusal == nil })",
                "refused": "\(outcomes.count { $0.refusal != nil })",
            ])
        return outcomes
    }

    private static func imported(_ source: String) -> String {
        source.hasPrefix(importedSource) ? source : importedSource + source
    }

    /// Seals what is kept under the current key-encryption key where it is under an older one; returns how many items.
    ///
    /// - Throws: ``StorageError``.
    public func renewSeals() async throws(StorageError) -> Int { try await store.renewSeals() }
}
