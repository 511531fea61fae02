import Encodings
import Foundation

/// Gets, lists and the beginning of watches.
struct Reading {
    let state: ClusterState
    let request: IncomingRequest
    let kind: ResourceKind
    let namespace: String

    private var shape: ObjectShape {
        ObjectShape(accept: request.headers["accept"], includeObject: request.query["includeObject"])
    }

    func get(_ name: String) throws -> Reply {
        if let revision = try version(), revision > state.revision {
            throw APIStatus.fromTheFuture(revision, current: state.revision)
        }
        guard let object = state.object(kind, ObjectKey(namespace: namespace, name: name)) else {
            throw APIStatus.notFound(kind, name)
        }
        return .json(200, shape.shaped(object.json, kind, now: state.now))
    }

    private func version() throws -> Int64? {
        guard let text = request.query["resourceVersion"], !text.isEmpty else { return nil }
        guard let revision = Int64(text), revision >= 0 else {
            throw invalid("resourceVersion", "Invalid value: \"\(text)\": strconv.ParseUint: parsing: invalid syntax")
        }
        return revision
    }

    private func invalid(_ field: String, _ message: String) -> APIStatus {
        var status = APIStatus(422, "Invalid", "ListOptions.meta.k8s.io \"\" is invalid: \(field): \(message)")
        status.causes = [.init(reason: "FieldValueForbidden", message: message, field: field)]
        return status
    }

    private func selectors() throws -> (labels: Selector, fields: Selector) {
        (
            try request.query["labelSelector"].map { try Selector(labels: $0) } ?? .everything,
            try request.query["fieldSelector"].map { try Selector(fields: $0, kind) } ?? .everything
        )
    }

    // MARK: Lists

    func list() throws -> Reply {
        let (labels, fields) = try selectors()
        let position = try ContinueToken(request.query["continue"])
        let objects = try objects(at: position?.revision)
        let revision = try exactRevision(position) ?? state.revision
        var found: [(key: ObjectKey, value: StoredObject)] = objects.filter { key, stored in
            (namespace.isEmpty || key.namespace == namespace) && labels.matches(stored.json)
                && fields.matches(stored.json)
        }
        found.sort { $0.key < $1.key }
        if let position { found.removeFirst(found.firstIndex { $0.key > position.after } ?? found.count) }
        var metadata: JSONObject = ["resourceVersion": .string(String(revision))]
        if let limit = request.query["limit"].flatMap({ Int($0) }), limit > 0, found.count > limit {
            let token = ContinueToken(revision: revision, after: found[limit - 1].key)
            metadata["continue"] = .string(token.text)
            if labels.isEmpty, fields.isEmpty { metadata["remainingItemCount"] = .int(Int64(found.count - limit)) }
            found.removeSubrange(limit...)
        }
        return .json(200, shape.list(found.map(\.value.json), kind, metadata: metadata, now: state.now))
    }

    /// The revision that must be shown exactly; nil for the latest.
    private func exactRevision(_ position: ContinueToken?) throws -> Int64? {
        if let position { return position.revision }
        guard let revision = try version(), revision > 0 else { return nil }
        let isExact = request.query["resourceVersionMatch"] == "Exact"
        let isOldForm = request.query["resourceVersionMatch"] == nil && request.query["limit"] != nil
        return isExact || isOldForm ? revision : nil
    }

    private func objects(at position: Int64?) throws -> [ObjectKey: StoredObject] {
        guard let table = state.tables[kind.id] else { throw APIStatus.noSuchPath }
        let match = request.query["resourceVersionMatch"] ?? ""
        let version = try version()
        if position != nil, version != nil {
            throw APIStatus.badRequest("specifying resource version is not allowed when using continue")
        }
        if !match.isEmpty, version == nil {
            throw invalid(
                "resourceVersionMatch",
                "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")
        }
        if match == "Exact", version == 0 {
            throw invalid(
                "resourceVersionMatch",
                "Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")
        }
        if let version, version > state.revision { throw APIStatus.fromTheFuture(version, current: state.revision) }
        let exact = try position ?? exactRevision(nil)
        guard let exact, exact != state.revision else { return table.objects }
        guard exact >= table.compacted else {
            throw APIStatus.expired(
                position == nil
                    ? "The resourceVersion for the provided list is too old."
                    : "The provided continue parameter is too old to display a consistent list result. You must start a "
                        + "new list without the continue parameter.")
        }
        return table.snapshot(at: exact)
    }

    // MARK: Watches

    func watch(_ name: String) throws -> WatchPlan {
        guard let table = state.tables[kind.id] else { throw APIStatus.noSuchPath }
        var (labels, fields) = try selectors()
        if !name.isEmpty { fields = try Selector(fields: "metadata.name=\(name)", kind) }
        labels = labels.isEmpty ? .everything : labels
        let bookmarks = request.flag("allowWatchBookmarks")
        var plan = WatchPlan(
            kind: kind, namespace: namespace, labels: labels, fields: fields, shape: shape, start: state.revision,
            sendsBookmarks: bookmarks,
            timeout: request.query["timeoutSeconds"].flatMap { Int($0) }.flatMap { $0 > 0 ? .seconds($0) : nil })
        let version = try version()
        if request.query["sendInitialEvents"] != nil { return try initialized(plan, version, table) }
        guard request.query["resourceVersionMatch"] == nil else {
            throw invalid(
                "resourceVersionMatch",
                "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
        }
        guard let version, version > 0 else {
            plan.initial = initialObjects(plan, table)
            return plan
        }
        plan.start = version
        if version < table.compacted {
            plan.refusal = .expired("too old resource version: \(version) (\(table.compacted))")
        }
        return plan
    }

    private func initialized(_ given: WatchPlan, _ version: Int64?, _ table: ObjectTable) throws -> WatchPlan {
        var plan = given
        guard request.query["resourceVersionMatch"] == "NotOlderThan" else {
            throw invalid(
                "resourceVersionMatch",
                "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
        guard state.settings.offersWatchList else {
            plan.refusal = APIStatus(500, "InternalError", "Internal error occurred: RequestWatchProgress is disabled")
            return plan
        }
        if let version, version > state.revision {
            plan.refusal = .fromTheFuture(version, current: state.revision)
            return plan
        }
        guard request.flag("sendInitialEvents") else {
            plan.start = version.map { $0 == 0 ? state.revision : $0 } ?? state.revision
            return plan
        }
        plan.initial = initialObjects(plan, table)
        plan.endsInitialEvents = plan.sendsBookmarks
        return plan
    }

    private func initialObjects(_ plan: WatchPlan, _ table: ObjectTable) -> [StoredObject] {
        table.objects.filter { plan.selects($0.value.json) }.sorted { $0.key < $1.key }.map(\.value)
    }
}

/// Where the next page of a list begins.
private struct ContinueToken {
    let revision: Int64
    let after: ObjectKey

    init(revision: Int64, after: ObjectKey) {
        self.revision = revision
        self.after = after
    }

    init?(_ text: String?) throws {
        guard let text, !text.isEmpty else { return nil }
        guard let bytes = try? Base64.decodeURL(text), let json = try? JSONObject(parsing: bytes),
            let revision = json["rv"]?.intValue, let namespace = json["namespace"]?.stringValue,
            let name = json["name"]?.stringValue
        else { throw APIStatus.badRequest("continue key is not valid") }
        self.init(revision: revision, after: ObjectKey(namespace: namespace, name: name))
    }

    var text: String {
        let json: JSONObject = [
            "rv": .int(revision), "namespace": .string(after.namespace), "name": .string(after.name),
        ]
        return Base64.encodeURL(json.serialized())
    }
}
