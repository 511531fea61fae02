public import Encodings
public import FoundationEssentials
public import KBSProtocol
public import RATS
import Glibc

/// The secrets of a pod: fetched, written, asked for again while the pod lives, and taken back when the broker refuses them
/// or nobody confirms them any more.
public actor PodSecrets {
    /// What a round did that somebody should know.
    public struct Report: Sendable {
        /// Secrets that could not be had or written this time.
        public var failures: [(secret: PodSecret, error: GuestError)] = []
        /// Secrets with a new content in place.
        public var changes: [PodSecret] = []
        /// Secrets that were taken away.
        public var removals: [PodSecret] = []
        /// Whether a change asks for the end of this program.
        public var exitIsWanted = false
    }

    private struct Item {
        let secret: PodSecret
        var content: SecretBytes?
        var wasHad = false
        /// Whether a run before this one may have left its file.
        var mayBeLeft: Bool
        /// When the broker last gave it. What an earlier run left counts as confirmed when this one began.
        var confirmed: Date
        var due = Date.distantPast
        var failures = 0

        init(_ secret: PodSecret, at now: Date) {
            self.secret = secret
            mayBeLeft = secret.file != nil
            confirmed = now
        }

        /// Whether the pod may have it.
        var isOut: Bool { content != nil || mayBeLeft }

        func isLeaseOver(at now: Date) -> Bool {
            secret.lease.map { !TimeWindow(from: confirmed, lasting: $0).contains(now) } ?? false
        }
    }

    private struct OwedNotice {
        let secret: PodSecret
        var attempts = 0
        var due = Date.distantPast
    }

    /// The longest pause between attempts that fail, in seconds, before the jitter.
    static let longestPause: TimeInterval = 60

    private let source: any ResourceSource
    private let sender: NoticeSender
    private let clock: WallClock
    private let metrics: GuestMetrics
    private let folders: [String: SecretFolder]

    private var items: [Item]
    /// Which items the broker is being asked for.
    private var fetching: Set<Int> = []
    private var unwritten: Set<String>
    private var nextWriting = Date.distantPast
    private var owed: [OwedNotice] = []
    private var isOver = false

    /// Secrets with contents from `source`, which should ask the broker each time.
    public init(
        _ secrets: [PodSecret], from source: any ResourceSource, by projection: Projection, clock: WallClock = .system,
        metrics: GuestMetrics = GuestMetrics()
    ) {
        self.init(secrets, from: source, by: projection, clock: clock, metrics: metrics, sender: NoticeSender())
    }

    init(
        _ secrets: [PodSecret], from source: any ResourceSource, by projection: Projection, clock: WallClock,
        metrics: GuestMetrics, sender: NoticeSender
    ) {
        self.source = source
        self.sender = sender
        self.clock = clock
        self.metrics = metrics
        let now = clock.now()
        items = secrets.map { Item($0, at: now) }
        let paths = Set(secrets.compactMap(\.file?.folder))
        folders = Dictionary(uniqueKeysWithValues: paths.map { ($0, SecretFolder($0, by: projection)) })
        unwritten = []
    }

    /// Required secrets that the pod does not have.
    public var missing: [PodSecret] {
        items.filter { $0.secret.isRequired && ($0.content == nil || isUnwritten($0.secret)) }.map(\.secret)
    }

    /// The content of a secret that is kept in memory; nil when it is none of those, or not there, or its lease is over.
    public func content(of uri: ResourceURI) -> SecretBytes? {
        let now = clock.now()
        return items.first { $0.secret.file == nil && $0.secret.uri == uri && !$0.isLeaseOver(at: now) }?.content
    }

    /// Takes away what nobody confirmed in time. It does not wait for the broker, and may be called while ``refresh()`` does.
    public func endLeases() -> Report {
        var report = Report()
        guard !isOver else { return report }
        endLeases(&report)
        return report
    }

    /// Asks for what is due, writes what changed, and tells those who want to know.
    public func refresh() async -> Report {
        var report = Report()
        guard !isOver else { return report }
        await fetch(&report)
        // The end may have come while the broker was asked.
        guard !isOver else { return report }
        endLeases(&report)
        writeFolders(&report)
        await sendNotices(&report)
        metrics.secretsAreMissing(missing.count)
        return report
    }

    /// After how many seconds ``refresh()`` has something to do again.
    public func pause() -> TimeInterval {
        var moments = items.map(\.due) + owed.map(\.due)
        moments += items.compactMap { item in
            item.isOut ? item.secret.lease.map { item.confirmed.addingTimeInterval($0) } : nil
        }
        if !unwritten.isEmpty { moments.append(nextWriting) }
        let next = moments.min() ?? .distantFuture
        return min(max(next.timeIntervalSince(clock.now()), 0.1), 30)
    }

    /// After how many seconds ``endLeases()`` has something to do, at most one: the clock may be set meanwhile. Nil without
    /// leases.
    public func pauseOfLeases() -> TimeInterval? {
        let now = clock.now()
        let leased = items.filter { $0.secret.lease != nil }
        guard !leased.isEmpty else { return nil }
        let ends = leased.filter(\.isOut).compactMap { item in
            item.secret.lease.map { item.confirmed.addingTimeInterval($0).timeIntervalSince(now) }
        }
        return min(max(ends.min() ?? 1, 0.1), 1)
    }

    /// Takes everything away that was written; nothing is written any more.
    ///
    /// - Throws: `GuestError` with `projection` when something resists; the rest goes all the same.
    public func removeAll() throws(GuestError) {
        isOver = true
        for index in items.indices { items[index].content = nil }
        var failure: GuestError?
        for folder in folders.values {
            do throws(GuestError) {
                try folder.remove()
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// Asks for what is due. Each answer counts as it comes, whatever the slowest one takes.
    private func fetch(_ report: inout Report) async {
        let now = clock.now()
        let due = items.indices.filter { items[$0].due <= now }.map { ($0, items[$0].secret.uri) }
        fetching = Set(due.map(\.0))
        await withTaskGroup(of: (Int, Result<SecretBytes, GuestError>).self) { [source] group in
            for (index, uri) in due {
                group.addTask {
                    do throws(GuestError) {
                        return (index, .success(try await source.resource(uri)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            for await (index, outcome) in group {
                fetching.remove(index)
                guard !isOver else { continue }
                let removed = report.removals.count
                settle(index, outcome, &report)
                writeFolders(&report, atOnce: Self.folders(report.removals.dropFirst(removed)))
            }
        }
    }

    private static func folders(_ secrets: ArraySlice<PodSecret>) -> Set<String> {
        Set(secrets.compactMap(\.file?.folder))
    }

    private func settle(_ index: Int, _ outcome: Result<SecretBytes, GuestError>, _ report: inout Report) {
        let secret = items[index].secret
        let now = clock.now()
        switch outcome {
        case .success(let content):
            items[index].confirmed = now
            items[index].mayBeLeft = false
            items[index].failures = 0
            items[index].due =
                secret.refresh > 0
                ? now.addingTimeInterval(secret.refresh * Double.random(in: 0.9...1.1)) : .distantFuture
            guard items[index].content != content else { return }
            if items[index].wasHad {
                metrics.secretRotated()
                owed.removeAll { $0.secret == secret }
                if secret.notice != nil { owed.append(OwedNotice(secret: secret)) }
            }
            items[index].content = content
            items[index].wasHad = true
            report.changes.append(secret)
            markUnwritten(secret)
        case .failure(let error):
            items[index].failures += 1
            items[index].due = now.addingTimeInterval(Self.pause(after: error, items[index].failures, secret))
            report.failures.append((secret, error))
            if error.isRefusal, secret.refusal == .remove { remove(index, &report) }
        }
    }

    /// Short and growing while the broker is away; refusals, which only a person can change, are not asked about more often
    /// than the secret itself would be.
    private static func pause(after error: GuestError, _ failures: Int, _ secret: PodSecret) -> TimeInterval {
        let first = error.isTransient ? 1 : max(secret.refresh, 1)
        let usual = min(
            first * Double(1 << min(failures - 1, 6)), max(longestPause, error.isTransient ? 0 : secret.refresh))
        return max(usual, error.retryAfter.map(Double.init) ?? 0) * Double.random(in: 0.8...1.2)
    }

    private func endLeases(_ report: inout Report) {
        let now = clock.now()
        let removed = report.removals.count
        for index in items.indices where items[index].isOut && items[index].isLeaseOver(at: now) {
            remove(index, &report)
        }
        let gone = report.removals.dropFirst(removed)
        if !gone.isEmpty { writeFolders(&report, atOnce: Self.folders(gone)) }
    }

    private func remove(_ index: Int, _ report: inout Report) {
        guard items[index].isOut else { return }
        let secret = items[index].secret
        let isThere = items[index].content != nil || Self.exists(secret.file?.path)
        items[index].content = nil
        items[index].mayBeLeft = false
        // Of what was never there nothing is said; a run that was interrupted may have left a version without names.
        if isThere {
            metrics.secretRemoved()
            report.removals.append(secret)
        }
        if isThere || Self.exists(secret.file.map { "\($0.folder)/..data" }) { markUnwritten(secret) }
    }

    private func markUnwritten(_ secret: PodSecret) {
        guard let file = secret.file else { return }
        unwritten.insert(file.folder)
        nextWriting = .distantPast
    }

    private func isUnwritten(_ secret: PodSecret) -> Bool {
        secret.file.map { unwritten.contains($0.folder) } ?? false
    }

    private static func exists(_ path: String?) -> Bool {
        var status = stat()
        return path.map { lstat($0, &status) == 0 } ?? false
    }

    /// Writes folders whose secrets were all answered, so that a pod does not see half of them; those with a removal `atOnce`.
    private func writeFolders(_ report: inout Report, atOnce: Set<String> = []) {
        let now = clock.now()
        let waiting = Set(fetching.compactMap { items[$0].secret.file?.folder }).subtracting(atOnce)
        let ready = unwritten.subtracting(waiting)
        guard !ready.isEmpty, nextWriting <= now else { return }
        for path in ready.sorted() {
            let members = items.filter { $0.secret.file?.folder == path }
            let files = members.compactMap { item -> SecretFolder.File? in
                guard let file = item.secret.file, let content = item.content else { return nil }
                return SecretFolder.File(
                    name: file.name, content: content, mode: file.mode, user: file.user, group: file.group)
            }
            do throws(GuestError) {
                try folders[path]?.write(files, at: now)
                metrics.secretsWritten()
                unwritten.remove(path)
            } catch {
                nextWriting = now.addingTimeInterval(5)
                metrics.failed(error, at: now)
                report.failures += members.prefix(1).map { ($0.secret, error) }
            }
        }
    }

    /// A notice is owed until it was delivered: a program that was just starting must not keep an old secret.
    private func sendNotices(_ report: inout Report) async {
        let now = clock.now()
        let due = owed.filter { $0.due <= now && !isUnwritten($0.secret) }
        owed.removeAll { $0.due <= now && !isUnwritten($0.secret) }
        for var entry in due {
            guard let notice = entry.secret.notice else { continue }
            if notice == .exit { report.exitIsWanted = true }
            do throws(GuestError) {
                try await sender.send(notice, about: entry.secret)
            } catch {
                metrics.noticeFailed()
                report.failures.append((entry.secret, error))
                entry.attempts += 1
                let pause = min(Double(1 << min(entry.attempts - 1, 6)), Self.longestPause)
                entry.due = clock.now().addingTimeInterval(pause * Double.random(in: 0.8...1.2))
                owed.append(entry)
            }
        }
    }
}

extension GuestError {
    /// Whether the broker decided not to give what is asked for. A refused token is no such decision: it says nothing about
    /// this guest.
    var isRefusal: Bool { [.denied, .notFound, .attestationFailed].contains(code) }
}
