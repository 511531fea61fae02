import Encodings
import HummingbirdCore
import NIOCore

/// One watch as it is written on a connection.
struct WatchSession {
    /// Why a watch ends other than in good order.
    struct Broken: Error {}

    private static let batch = 256

    let cluster: FakeCluster
    let plan: WatchPlan
    let watcher: Watcher
    private var position: Int64
    private var sent = 0
    private var sendsTwice = false
    private var hasColumns = false
    private var disturbance: (after: Int, what: Disturbance)?
    private var buffer = ByteBuffer()

    init(cluster: FakeCluster, plan: WatchPlan) {
        self.cluster = cluster
        self.plan = plan
        watcher = Watcher(table: plan.kind.id)
        position = plan.start
        disturbance = plan.disturbance
    }

    /// Writes the watch to its end.
    mutating func run(_ writer: inout any ResponseBodyWriter) async throws {
        let number = register()
        defer { cluster.state.withLock { $0.watchers[number] = nil } }
        do {
            // The head goes out at once, also when there is nothing to tell yet.
            try await writer.write(ByteBuffer())
            try await follow(&writer)
        } catch is End {
            try await flush(&writer)
        }
        try await writer.finish(nil)
    }

    private struct End: Error {}

    private func register() -> Int {
        cluster.state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = watcher
            return state.nextWatcher
        }
    }

    private mutating func follow(_ writer: inout any ResponseBodyWriter) async throws {
        if let refusal = plan.refusal { try end(with: refusal) }
        for object in plan.initial {
            try await disturb(&writer)
            append("ADDED", object.json, object)
            if buffer.readableBytes > 65_536 { try await flush(&writer) }
        }
        try await disturb(&writer)
        if plan.endsInitialEvents { appendBookmark(position, endsInitialEvents: true) }
        try await flush(&writer)

        let interval = cluster.state.withLock { $0.settings.bookmarkInterval }
        let start = ContinuousClock.now
        let deadline = plan.timeout.map { start + $0 }
        async let ticking: Void = Self.tick(watcher, interval, deadline)
        var nextBookmark = start + interval
        for await _ in watcher.signals {
            try await sendChanges(&writer)
            if let deadline, .now >= deadline {
                if plan.sendsBookmarks { appendBookmark(position, endsInitialEvents: false) }
                throw End()
            }
            if .now >= nextBookmark {
                nextBookmark += interval
                if plan.sendsBookmarks { appendBookmark(position, endsInitialEvents: false) }
            }
            try await flush(&writer)
        }
        _ = await ticking
        throw Broken()
    }

    /// Wakes the watch when a bookmark is due and at its end.
    private static func tick(_ watcher: Watcher, _ interval: Duration, _ deadline: ContinuousClock.Instant?) async {
        watcher.wake()
        var next = ContinuousClock.now + interval
        while !Task.isCancelled {
            let due = deadline.map { min($0, next) } ?? next
            guard (try? await Task.sleep(until: due, clock: .continuous)) != nil else { return }
            watcher.wake()
            next = max(next, .now) + (due == next ? interval : .zero)
            if let deadline, .now >= deadline { return }
        }
    }

    private mutating func sendChanges(_ writer: inout any ResponseBodyWriter) async throws {
        while true {
            try await disturb(&writer)
            let limit = disturbance == nil ? Self.batch : 1
            let (changes, revision) = try next(limit)
            guard !changes.isEmpty else {
                position = revision
                return
            }
            for change in changes {
                append(change)
                position = change.revision
            }
            try await flush(&writer)
        }
    }

    /// The next changes; without any, the revision up to which there are none.
    private mutating func next(_ limit: Int) throws -> (changes: [Change], revision: Int64) {
        let position = position
        let table = plan.kind.id
        let found: (changes: [Change], revision: Int64)? = cluster.state.withLock { state in
            guard let table = state.tables[table], position >= table.compacted || position > state.revision else {
                return nil
            }
            return (Array(table.changes(after: position, limit: limit)), max(position, state.revision))
        }
        guard let found else {
            try end(with: .expired("too old resource version: \(position)"))
            return ([], position)
        }
        return found
    }

    // MARK: Faults

    private mutating func disturb(_ writer: inout any ResponseBodyWriter) async throws {
        while let next = watcher.nextDisturbance() { try await suffer(next, &writer) }
        if let (after, what) = disturbance, sent >= after {
            disturbance = nil
            try await suffer(what, &writer)
        }
    }

    private mutating func suffer(_ disturbance: Disturbance, _ writer: inout any ResponseBodyWriter) async throws {
        switch disturbance {
        case .end: throw End()
        case .error(let status): try end(with: status)
        case .halfALine:
            buffer.writeString(#"{"type":"MODIFIED","object":{"apiVersion":"#)
            try await flush(&writer)
            throw Broken()
        case .stall:
            try await flush(&writer)
            try await Task.sleep(for: .seconds(86_400))
        case .duplicates: sendsTwice = true
        }
    }

    private mutating func end(with status: APIStatus) throws {
        buffer.writeString(#"{"type":"ERROR","object":"#)
        buffer.writeBytes(status.json.serialized())
        buffer.writeString("}\n")
        throw End()
    }

    // MARK: Lines

    private mutating func append(_ change: Change) {
        let isSelected = change.kind != .deleted && plan.selects(change.object.json)
        let wasSelected = change.former.map { plan.selects($0.json) } ?? false
        switch (wasSelected, isSelected) {
        case (false, true): append("ADDED", change.object.json, change.object)
        case (true, true): append("MODIFIED", change.object.json, change.object)
        case (true, false) where change.kind == .deleted: append("DELETED", change.object.json, change.object)
        case (true, false):
            // What is no longer selected goes in its last selected form, under the new revision.
            var last = change.former?.json ?? [:]
            last.edit("metadata") { $0["resourceVersion"] = .string(String(change.revision)) }
            append("DELETED", last, nil)
        case (false, false): return
        }
    }

    private mutating func append(_ type: String, _ object: JSONObject, _ stored: StoredObject?) {
        let text: [UInt8]
        if case .whole = plan.shape {
            text = stored?.serialized ?? object.serialized()
        } else {
            let now = cluster.state.withLock(\.now)
            text = plan.shape.shaped(object, plan.kind, now: now, withColumns: !hasColumns).serialized()
            hasColumns = true
        }
        for _ in 0..<(sendsTwice ? 2 : 1) {
            buffer.writeString("{\"type\":\"\(type)\",\"object\":")
            buffer.writeBytes(text)
            buffer.writeString("}\n")
        }
        sent += 1
    }

    private mutating func appendBookmark(_ revision: Int64, endsInitialEvents: Bool) {
        var metadata: JSONObject = ["resourceVersion": .string(String(revision)), "creationTimestamp": .null]
        if endsInitialEvents { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
        var object: JSONObject = [
            "kind": .string(plan.kind.kind), "apiVersion": .string(plan.kind.apiVersion), "metadata": .object(metadata),
        ]
        switch plan.shape {
        case .whole: break
        case .metadata: object = ObjectShape.metadata(of: object)
        case .table:
            object = [
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": .object(metadata),
                "columnDefinitions": .null, "rows": [],
            ]
        }
        let event: JSONObject = ["type": "BOOKMARK", "object": .object(object)]
        buffer.writeBytes(event.serialized())
        buffer.writeString("\n")
    }

    private mutating func flush(_ writer: inout any ResponseBodyWriter) async throws {
        guard buffer.readableBytes > 0 else { return }
        let full = buffer
        buffer = ByteBuffer()
        try await writer.write(full)
    }
}
