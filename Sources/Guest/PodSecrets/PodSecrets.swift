public import Encodings
public import FoundationEssentials
public import KBSProtocol
public import RATS

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
        var confirmed = Date.distantPast
        var due = Date.distantPast
        var failures = 0
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
        items = secrets.map { Item(secret: $0) }
        let paths = Set(secrets.compactMap(\.file?.folder))
        folders = Dictionary(uniqueKeysWithValues: paths.map { ($0, SecretFolder($0, by: projection)) })
        unwritten = []
    }

    /// Required secrets that the pod does not have.
    public var missing: [PodSecret] {
        items.filter { $0.secret.isRequired && ($0.content == nil || isUnwritten($0.secret)) }.map(\.secret)
    }

    /// The content of a secret that is kept in memory; nil when it is none of those, or not there.
    public func content(of uri: ResourceURI) -> SecretBytes? {
        items.first { $0.secret.file == nil && $0.secret.uri == uri }?.content
    }

    /// Asks for what is due, writes what changed, and tells those who want to know.
    public func refresh() async -> Report {
        var report = Report()
        guard !isOver else { return report }
        let outcomes = await fetch()
        // The end may have come while the broker was asked.
        guard !isOver else { return report }
        for (index, outcome) in outcomes { settle(index, outcome, &report) }
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
            item.content == nil ? nil : item.secret.lease.map { item.confirmed.addingTimeInterval($0) }
        }
        if !unwritten.isEmpty { moments.append(nextWriting) }
        let next = moments.min() ?? .distantFuture
        return min(max(next.timeIntervalSince(clock.now()), 0.1), 30)
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

    private func fetch() async -> [(Int, Result<SecretBytes, GuestError>)] {
        let now = clock.now()
        let due = items.indices.filter { items[$0].due <= now }.map { ($0, items[$0].secret.uri) }
        return await withTaskGroup(of: (Int, Result<SecretBytes, GuestError>).self) { [source] group in
            for (index, uri) in due {
                group.addTask {
                    do throws(GuestError) {
                        return (index, .success(try await source.resource(uri)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var outcomes: [(Int, Result<SecretBytes, GuestError>)] = []
            for await outcome in group { outcomes.append(outcome) }
            return outcomes
        }
    }

    private func settle(_ index: Int, _ outcome: Result<SecretBytes, GuestError>, _ report: inout Report) {
        let secret = items[index].secret
        let now = clock.now()
        switch outcome {
        case .success(let content):
            items[index].confirmed = now
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
        for index in items.indices {
            guard let lease = items[index].secret.lease, items[index].content != nil,
                !TimeWindow(from: items[index].confirmed, lasting: lease).contains(now)
            else { continue }
            remove(index, &report)
        }
    }

    private func remove(_ index: Int, _ report: inout Report) {
        guard items[index].content != nil else { return }
        items[index].content = nil
        metrics.secretRemoved()
        report.removals.append(items[index].secret)
        markUnwritten(items[index].secret)
    }

    private func markUnwritten(_ secret: PodSecret) {
        guard let file = secret.file else { return }
        unwritten.insert(file.folder)
        nextWriting = .distantPast
    }

    private func isUnwritten(_ secret: PodSecret) -> Bool {
        secret.file.map { unwritten.contains($0.folder) } ?? false
    }

    private func writeFolders(_ report: inout Report) {
        let now = clock.now()
        guard !unwritten.isEmpty, nextWriting <= now else { return }
        for path in unwritten.sorted() {
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
