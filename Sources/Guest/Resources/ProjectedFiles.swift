import Encodings

/// The files that this guest is to have, and which of them are written.
public actor ProjectedFiles {
    private let targets: [ProjectionTarget]
    private let source: any ResourceSource
    private let projection: Projection
    private var written: Set<ProjectionTarget> = []
    private var isOver = false

    /// Files for `targets`, with contents from `source`.
    public init(_ targets: [ProjectionTarget], from source: any ResourceSource, by projection: Projection) {
        self.targets = targets
        self.source = source
        self.projection = projection
    }

    /// The files not written yet.
    public var missing: [ProjectionTarget] { targets.filter { !written.contains($0) } }

    /// Tries to fetch and write each missing file once.
    ///
    /// - Returns: the failures; empty when all files are in place.
    public func writeMissing() async -> [(target: ProjectionTarget, error: GuestError)] {
        var failures: [(target: ProjectionTarget, error: GuestError)] = []
        for target in missing {
            do throws(GuestError) {
                let secret = try await source.resource(target.uri)
                // The end may have come while the broker was asked.
                guard !isOver else { return failures }
                try projection.write(secret, to: target.path)
                written.insert(target)
            } catch {
                failures.append((target, error))
            }
        }
        return failures
    }

    /// How long to wait before the next round, in seconds: short and growing while the broker is away, long when only a
    /// person can help.
    public static func pause(afterRound round: Int, failures: [GuestError]) -> Double {
        let wish = failures.compactMap(\.retryAfter).max().map(Double.init)
        let usual = failures.allSatisfy(\.isTransient) ? Double(1 << min(round, 5)) : 60
        return max(wish ?? 0, usual) * Double.random(in: 0.8...1.2)
    }

    /// Removes what was written; nothing is written any more.
    ///
    /// - Throws: `GuestError` with `projection` when a file resists; the others are removed all the same.
    public func removeAll() throws(GuestError) {
        isOver = true
        var failure: GuestError?
        for target in written {
            do throws(GuestError) {
                try projection.remove(target.path)
                written.remove(target)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
