import FoundationEssentials
import Logging
import RATS
public import ServiceLifecycle
import Storage

extension CollateralCache: Service {
    private static let page = 1_000

    /// Renews what must be renewed, follows what other replicas store, and measures, until shut down.
    public func run() async throws {
        await reportMarks()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.renewAsAsked() }
            group.addTask { await self.followStore() }
            group.addTask {
                try? await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        await self.check()
                        try await Task.sleep(for: self.settings.checkInterval)
                    }
                }
            }
        }
    }

    private func renewAsAsked() async {
        await withDiscardingTaskGroup { group in
            for await name in renewals.cancelOnGracefulShutdown() {
                group.addTask {
                    _ = await self.flights.join(name) { await self.obtain(name, reason: .renewal) }
                }
            }
            group.cancelAll()
        }
    }

    /// Takes over what another replica or an import stored; after an interruption that may be anything.
    private func followStore() async {
        for await notification in database.notifications(channel: CollateralRepository.channel)
            .cancelOnGracefulShutdown()
        {
            switch notification {
            case .listening: shelf.dropAll()
            case .notified(let payload):
                guard let name = CollateralName(payload) else { continue }
                pauses.end(.name(name))
                shelf.drop(name)
            }
        }
    }

    /// Looks through everything that has successors: measures, warns, and asks for what is due.
    func check() async {
        await restoreMarks()
        let now = clock.now()
        var kinds: [String: (items: Int, nextUpdate: Date, fetchedAt: Date)] = [:]
        var unauthentic = 0
        var after = ""
        while true {
            let rows: [(summary: CollateralSummary, isAuthentic: Bool)]
            do throws(StorageError) {
                rows = try await store.list(after: after, renewed: true, limit: Self.page)
            } catch {
                logger.warning("collateral cannot be looked through", metadata: ["reason": "\(error)"])
                return
            }
            for (summary, isAuthentic) in rows {
                guard let name = CollateralName(summary.name), let nextUpdate = summary.nextUpdate else { continue }
                check(name, summary, isAuthentic: isAuthentic, at: now)
                guard isAuthentic else {
                    unauthentic += 1
                    continue
                }
                if let mark = summary.mark { shelf.dropWhatIsBehind(mark, of: name) }
                let known = kinds[name.kind] ?? (0, .distantFuture, .distantFuture)
                kinds[name.kind] = (
                    known.items + 1, min(known.nextUpdate, nextUpdate), min(known.fetchedAt, summary.fetchedAt)
                )
            }
            guard rows.count == Self.page, let last = rows.last else { break }
            after = last.summary.name
        }
        metrics.unauthentic(items: unauthentic)
        for (kind, stand) in kinds {
            metrics.stand(
                kind: kind, items: stand.items, secondsToExpiry: stand.nextUpdate.timeIntervalSince(now),
                age: now.timeIntervalSince(stand.fetchedAt))
        }
    }

    private func check(_ name: CollateralName, _ summary: CollateralSummary, isAuthentic: Bool, at now: Date) {
        let due = settings.renewal(
            fetchedAt: summary.fetchedAt, nextUpdate: summary.nextUpdate, at: now, earlier: haste)
        let isPaused = pauses.current(.name(name), at: now) != nil
        if let due, now >= due || !isAuthentic, !isPaused { renew.yield(name) }
        guard let nextUpdate = summary.nextUpdate else { return }
        let state = isAuthentic ? settings.state(nextUpdate: nextUpdate, at: now) : .unauthentic
        guard state != .current, warnings.isNew(name.path, at: now) else { return }
        logger.warning(
            "collateral needs attention",
            metadata: [
                "name": "\(name)", "state": "\(state.rawValue)", "nextUpdate": "\(nextUpdate.formatted(.iso8601))",
                "source": "\(summary.source)",
            ])
    }
}
