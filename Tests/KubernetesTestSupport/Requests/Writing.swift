import Encodings
import Foundation

/// Creates, replacements, patches and deletions of one kind in one namespace.
struct Writing {
    let request: IncomingRequest
    let kind: ResourceKind
    let namespace: String
    private var admission: Admission
    private var unknownFields: [String] = []
    var warnings: [String] { unknownFields + admission.warnings }

    init(request: IncomingRequest, kind: ResourceKind, namespace: String, admission: Admission) {
        self.request = request
        self.kind = kind
        self.namespace = namespace
        self.admission = admission
    }

    // MARK: Create

    mutating func create(_ state: inout ClusterState) throws -> JSONObject {
        var object = try read(request.object(), name: nil, namespaceMayBeAbsent: true)
        guard object.resourceVersion.isEmpty else {
            throw APIStatus(
                500, "InternalError",
                "Internal error occurred: resourceVersion should not be set on objects to be created")
        }
        if kind.hasStatus { object["status"] = nil }
        return try insert(object, &state, applied: nil)
    }

    /// - Parameter applied: the managed fields, where they are known already.
    private mutating func insert(_ given: JSONObject, _ state: inout ClusterState, applied: JSONValue?) throws
        -> JSONObject
    {
        try checkNamespace(state)
        if !given.name.isEmpty { try checkIsNew(given, state) }
        var object = try mutated(KindRules.decoded(given, kind), from: nil, "", state)
        // Who changes an object that is yet to get its name does not know it.
        if object.name.isEmpty, let prefix = object.metadata["generateName"]?.stringValue {
            let suffix = admission.uid.filter(\.isHexDigit).prefix(5)
            object.edit("metadata") { $0["name"] = .string(prefix + suffix) }
        }
        try checkName(object)
        try checkIsNew(object, state)
        let now = admission.now
        let uid = admission.uid
        object.edit("metadata") { metadata in
            if kind.isNamespaced { metadata["namespace"] = .string(namespace) }
            metadata["uid"] = .string(uid)
            metadata["creationTimestamp"] = .string(Timestamp.text(now))
            metadata["generation"] = kind.hasGeneration ? 1 : nil
            for name in ["deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink"] {
                metadata[name] = nil
            }
            metadata["managedFields"] = applied
        }
        object = defaulted(object)
        try validate(object, former: nil)
        if applied == nil { manage(&object, former: [:], subresource: "") }
        try admission.validate(asked(.create, object, nil, ""), state)
        try define(&object, &state)
        return state.store(object, kind)
    }

    private func checkIsNew(_ object: JSONObject, _ state: ClusterState) throws {
        guard state.object(kind, ObjectKey(namespace: namespace, name: object.name)) == nil else {
            throw APIStatus.alreadyExists(kind, object.name)
        }
    }

    private func checkName(_ object: JSONObject) throws {
        guard !object.name.isEmpty else {
            throw APIStatus.invalid(
                kind, "",
                [
                    .init(
                        reason: "FieldValueRequired", message: "Required value: name or generateName is required",
                        field: "metadata.name")
                ])
        }
        let pattern = /[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/
        let isRole = kind.group == "rbac.authorization.k8s.io"
        guard isRole || (object.name.wholeMatch(of: pattern) != nil && object.name.utf8.count <= 253) else {
            throw APIStatus.invalid(
                kind, object.name,
                [
                    .init(
                        reason: "FieldValueInvalid",
                        message:
                            "Invalid value: \"\(object.name)\": a lowercase RFC 1123 subdomain must consist of lower case "
                            + "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
                        field: "metadata.name")
                ])
        }
    }

    private func checkNamespace(_ state: ClusterState) throws {
        guard kind.isNamespaced else { return }
        let key = ObjectKey(namespace: "", name: namespace)
        guard let owner = state.object(BuiltInKinds.namespaces, key) else {
            throw APIStatus.notFound(BuiltInKinds.namespaces, namespace)
        }
        guard owner.json.metadata["deletionTimestamp"] == nil else {
            throw APIStatus(
                403, "Forbidden",
                "unable to create new content in namespace \(namespace) because it is being terminated")
        }
    }

    // MARK: Change

    mutating func replace(_ name: String, _ subresource: String, _ state: inout ClusterState) throws -> JSONObject {
        let object = try read(request.object(), name: name, namespaceMayBeAbsent: true)
        let former = try existing(name, state)
        if object.resourceVersion.isEmpty, kind.demandsVersion {
            throw APIStatus.invalid(
                kind, name,
                [
                    .init(
                        reason: "FieldValueInvalid", message: "Invalid value: 0: must be specified for an update",
                        field: "metadata.resourceVersion")
                ])
        }
        return try update(former, to: object, subresource, &state)
    }

    mutating func patch(_ name: String, _ subresource: String, _ state: inout ClusterState) throws -> JSONObject {
        let type = (request.headers["content-type"] ?? "").split(separator: ";").first.map(String.init) ?? ""
        if type == "application/apply-patch+yaml" { return try apply(name, subresource, &state) }
        let former = try existing(name, state)
        let value: JSONValue
        switch type {
        case "application/merge-patch+json":
            value = Patches.merged(.object(former), .object(try request.object()))
        case "application/json-patch+json":
            value = try Patches.patched(.object(former), request.array())
        case "application/strategic-merge-patch+json" where !kind.isCustom:
            value = StrategicMerge.merged(.object(former), .object(try request.object()))
        default:
            throw APIStatus(
                415, "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: "
                    + "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml")
        }
        let object = try read(value.objectValue ?? [:], name: name, namespaceMayBeAbsent: false)
        return try update(former, to: object, subresource, &state)
    }

    private mutating func apply(_ name: String, _ subresource: String, _ state: inout ClusterState) throws -> JSONObject
    {
        guard let manager = request.query["fieldManager"], !manager.isEmpty else {
            var status = APIStatus(
                422, "Invalid",
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
            status.causes = [
                .init(
                    reason: "FieldValueRequired", message: "Required value: is required for apply patch",
                    field: "fieldManager")
            ]
            throw status
        }
        let configuration = try read(request.object(), name: name, namespaceMayBeAbsent: true)
        guard configuration.metadata["managedFields"] == nil else {
            throw APIStatus.badRequest("metadata.managedFields must be nil")
        }
        let owner = ManagedFields.Owner(
            name: manager, operation: "Apply", apiVersion: kind.apiVersion, subresource: subresource)
        let applying = ServerSideApply(kind: kind, owner: owner, isForced: request.flag("force"), now: admission.now)
        guard let former = state.object(kind, ObjectKey(namespace: namespace, name: name))?.json else {
            guard subresource.isEmpty else { throw APIStatus.notFound(kind, name) }
            let skeleton: JSONObject = [
                "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "metadata": ["name": .string(name)],
            ]
            let object = try applying.applied(configuration, to: skeleton)
            return try insert(object, &state, applied: object.metadata["managedFields"])
        }
        var object = try applying.applied(configuration, to: former)
        if !configuration.resourceVersion.isEmpty {
            object.edit("metadata") { $0["resourceVersion"] = .string(configuration.resourceVersion) }
        }
        return try update(former, to: object, subresource, &state, isApply: true)
    }

    private mutating func update(
        _ former: JSONObject, to given: JSONObject, _ subresource: String, _ state: inout ClusterState,
        isApply: Bool = false
    ) throws -> JSONObject {
        guard given.resourceVersion.isEmpty || given.resourceVersion == former.resourceVersion else {
            throw APIStatus.stale(kind, former.name)
        }
        guard given.uid.isEmpty || given.uid == former.uid else {
            throw APIStatus.conflict(
                kind, former.name,
                "Precondition failed: UID in precondition: \(given.uid), UID in object meta: \(former.uid)")
        }
        var object = isolated(try KindRules.decoded(given, kind), from: former, subresource)
        object.edit("metadata") { metadata in
            for name in [
                "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds",
                "namespace",
                "resourceVersion", "generateName", "selfLink",
            ] { metadata[name] = former.metadata[name] }
            metadata["managedFields"] = (isApply ? given : former).metadata["managedFields"]
        }
        object = try mutated(object, from: former, subresource, state)
        try validate(object, former: former)
        if !isApply { manage(&object, former: former, subresource: subresource) }
        try admission.validate(asked(.update, object, former, subresource), state)
        guard object != former else { return former }
        if kind.hasGeneration, content(of: object) != content(of: former) {
            object.edit("metadata") { $0["generation"] = .int((former.metadata["generation"]?.intValue ?? 0) + 1) }
        }
        try define(&object, &state)
        if object.metadata["deletionTimestamp"] != nil, object.finalizers.isEmpty {
            state.remove(object, kind)
            return object
        }
        return state.store(object, kind)
    }

    /// Status is written through its own door, and nothing else is.
    private func isolated(_ given: JSONObject, from former: JSONObject, _ subresource: String) -> JSONObject {
        guard kind.hasStatus else { return given }
        if subresource == "status" {
            var object = former
            object["status"] = given["status"]
            return object
        }
        var object = given
        object["status"] = former["status"]
        return object
    }

    /// What generations count.
    private func content(of object: JSONObject) -> JSONObject {
        var content = object
        content["metadata"] = nil
        if kind.hasStatus { content["status"] = nil }
        return content
    }

    // MARK: Delete

    mutating func delete(_ name: String, _ state: inout ClusterState) throws -> JSONObject {
        let former = try existing(name, state)
        let options = request.body.isEmpty ? [:] : try request.object()
        if let uid = options["preconditions"]?["uid"]?.stringValue, uid != former.uid {
            throw APIStatus.conflict(
                kind, name, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(former.uid)")
        }
        if let version = options["preconditions"]?["resourceVersion"]?.stringValue, version != former.resourceVersion {
            throw APIStatus.conflict(
                kind, name,
                "Precondition failed: ResourceVersion in precondition: \(version), ResourceVersion in object meta: "
                    + former.resourceVersion)
        }
        try admitDeletion(of: former, state)
        state.delete(former, kind)
        if let remaining = state.object(kind, ObjectKey(namespace: namespace, name: name)) { return remaining.json }
        return [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success",
            "details": [
                "name": .string(name), "group": .string(kind.group), "kind": .string(kind.plural),
                "uid": .string(former.uid),
            ],
        ]
    }

    func existing(_ name: String, _ state: ClusterState) throws -> JSONObject {
        guard let former = state.object(kind, ObjectKey(namespace: namespace, name: name)) else {
            throw APIStatus.notFound(kind, name)
        }
        return former.json
    }
}

extension Writing {
    // MARK: Admission

    private func asked(
        _ operation: AdmissionRequest.Operation, _ object: JSONObject?, _ former: JSONObject?, _ subresource: String
    ) -> AdmissionRequest {
        AdmissionRequest(
            operation: operation, kind: kind, namespace: namespace, name: (object ?? former)?.name ?? "",
            subresource: subresource, object: object, former: former, user: admission.user,
            isDryRun: admission.isDryRun, fieldManager: request.fieldManager)
    }

    /// An object with its defaults as mutating webhooks want it, again with its defaults and without what nobody knows.
    private mutating func mutated(
        _ given: JSONObject, from former: JSONObject?, _ subresource: String, _ state: ClusterState
    ) throws -> JSONObject {
        let object = defaulted(given)
        let question = asked(former == nil ? .create : .update, object, former, subresource)
        guard let changed = try admission.mutate(question, state), changed != object else { return object }
        var dropped: [String] = []
        let known = kind.schema?.pruned(.object(changed), dropped: &dropped).objectValue ?? changed
        return defaulted(try KindRules.decoded(known, kind))
    }

    /// Asks whether an object may be deleted.
    mutating func admitDeletion(of former: JSONObject, _ state: ClusterState) throws {
        let question = asked(.delete, nil, former, "")
        _ = try admission.mutate(question, state)
        try admission.validate(question, state)
    }

    /// Checks that the object is what the address names, and drops or refuses fields that its schema does not know.
    private mutating func read(
        _ given: JSONObject, name: String?, namespaceMayBeAbsent: Bool
    ) throws -> JSONObject {
        var object = given
        guard object["kind"]?.stringValue == kind.kind, object["apiVersion"]?.stringValue == kind.apiVersion else {
            throw APIStatus.badRequest(
                "\(object["kind"]?.stringValue ?? "") in version \"\(object["apiVersion"]?.stringValue ?? "")\" cannot be "
                    + "handled as a \(kind.kind): the API version in the data does not match the expected API version "
                    + "(\(kind.apiVersion))")
        }
        if kind.isNamespaced {
            guard object.namespace == namespace || (object.namespace.isEmpty && namespaceMayBeAbsent) else {
                throw APIStatus.badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request")
            }
            object.edit("metadata") { $0["namespace"] = .string(namespace) }
        }
        if let name, object.name != name {
            guard object.name.isEmpty else {
                throw APIStatus.badRequest(
                    "the name of the object (\(object.name)) does not match the name on the URL (\(name))")
            }
            object.edit("metadata") { $0["name"] = .string(name) }
        }
        guard let schema = kind.schema else { return object }
        var dropped: [String] = []
        let kept = schema.pruned(.object(object), dropped: &dropped).objectValue ?? [:]
        let texts = dropped.map { "unknown field \"\($0)\"" }
        switch request.query["fieldValidation"] ?? "Warn" {
        case "Strict" where !texts.isEmpty:
            throw APIStatus.badRequest(
                "\(kind.kind) in version \"\(kind.version)\" cannot be handled as a \(kind.kind): strict decoding error: "
                    + texts.joined(separator: ", "))
        case "Warn": unknownFields += texts
        default: break
        }
        return kept
    }

    private func defaulted(_ object: JSONObject) -> JSONObject {
        kind.schema?.defaulted(.object(object)).objectValue ?? object
    }

    private func validate(_ object: JSONObject, former: JSONObject?) throws {
        var causes = KindRules.causes(object, former: former, kind)
        if let schema = kind.schema {
            causes += SchemaValidation.causes(of: .object(object), former: former.map(JSONValue.object), schema)
        }
        guard causes.isEmpty else { throw APIStatus.invalid(kind, object.name, causes) }
    }

    private func manage(_ object: inout JSONObject, former: JSONObject, subresource: String) {
        var managers = ManagedFields(of: former)
        let owner = ManagedFields.Owner(
            name: request.fieldManager, operation: "Update", apiVersion: kind.apiVersion, subresource: subresource)
        managers.update(from: former, to: object, by: owner, kind, at: admission.now)
        object.edit("metadata") { $0["managedFields"] = managers.entries.isEmpty ? nil : managers.json }
    }

    /// Serves what a CustomResourceDefinition defines from the moment on that it is stored.
    private func define(_ object: inout JSONObject, _ state: inout ClusterState) throws {
        guard kind.id == BuiltInKinds.definitions.id else { return }
        do {
            state.define(try ResourceKind(definition: object))
        } catch let error as SchemaError {
            throw APIStatus.invalid(
                kind, object.name, [.init(reason: "FieldValueInvalid", message: error.message, field: error.field)])
        }
        let time = JSONValue.string(Timestamp.text(state.now))
        func condition(_ type: String, _ reason: String) -> JSONValue {
            [
                "type": .string(type), "status": "True", "reason": .string(reason), "message": "",
                "lastTransitionTime": time,
            ]
        }
        guard object["status"]?["conditions"] == nil else { return }
        object["status"] = [
            "conditions": [
                condition("NamesAccepted", "NoConflicts"), condition("Established", "InitialNamesAccepted"),
            ],
            "acceptedNames": object["spec"]?["names"] ?? [:],
            "storedVersions": .array([.string((try? ResourceKind(definition: object).version) ?? "")]),
        ]
    }
}
