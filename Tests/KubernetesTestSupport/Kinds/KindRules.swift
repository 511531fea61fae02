import Encodings

/// What built-in kinds demand beyond a schema.
enum KindRules {
    /// Turns what a client wrote into what is stored; refuses what cannot be read at all.
    static func decoded(_ object: JSONObject, _ kind: ResourceKind) throws -> JSONObject {
        var object = object
        switch kind.kind {
        case "Lease": try checkTimes(object["spec"], ["acquireTime", "renewTime"], kind)
        case "Event" where kind.group == "events.k8s.io":
            try checkTimes(.object(object), ["eventTime"], kind)
            try checkTimes(object["series"], ["lastObservedTime"], kind)
        case "Secret":
            for (name, value) in object["stringData"]?.objectValue ?? [:] {
                object.edit("data") { $0[name] = .string(Base64.encode(Array((value.stringValue ?? "").utf8))) }
            }
            object["stringData"] = nil
            if object["type"] == nil { object["type"] = "Opaque" }
        case "Namespace":
            object["spec"] = ["finalizers": ["kubernetes"]]
            let name = object.name
            object.edit("metadata") { $0.edit("labels") { $0["kubernetes.io/metadata.name"] = .string(name) } }
            if object["status"] == nil { object["status"] = ["phase": "Active"] }
        default: AdmissionKinds.fillIn(&object, kind)
        }
        return object
    }

    private static func checkTimes(_ value: JSONValue?, _ names: [String], _ kind: ResourceKind) throws {
        for name in names {
            guard let text = value?[name]?.stringValue, !Timestamp.isMicroTime(text) else { continue }
            throw APIStatus.badRequest(
                "\(kind.kind) in version \"\(kind.version)\" cannot be handled as a \(kind.kind): parsing time "
                    + "\"\(text)\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"\(text.dropFirst(19))\" "
                    + "as \".000000\"")
        }
    }

    /// What is wrong with an object beside its schema.
    static func causes(_ object: JSONObject, former: JSONObject?, _ kind: ResourceKind) -> [APIStatus.Cause] {
        guard kind.kind == "Event", kind.group == "events.k8s.io" else {
            guard kind.kind == "Secret", let former, former["type"] != object["type"] else {
                return AdmissionKinds.causes(object, kind)
            }
            return [.init(reason: "FieldValueInvalid", message: "Invalid value: field is immutable", field: "type")]
        }
        var causes: [APIStatus.Cause] = []
        for (name, most) in [
            ("reportingController", 253), ("reportingInstance", 128), ("action", 128), ("reason", 128),
        ] {
            let count = object[name]?.stringValue?.utf8.count ?? 0
            if count == 0 { causes.append(.init(reason: "FieldValueRequired", message: "Required value", field: name)) }
            if count > most {
                causes.append(
                    .init(reason: "FieldValueInvalid", message: "can have at most \(most) characters", field: name))
            }
        }
        if object["eventTime"]?.stringValue == nil {
            causes.append(.init(reason: "FieldValueRequired", message: "Required value", field: "eventTime"))
        }
        if let note = object["note"]?.stringValue, note.utf8.count > 1024 {
            causes.append(
                .init(reason: "FieldValueInvalid", message: "can have at most 1024 characters", field: "note"))
        }
        if !["Normal", "Warning"].contains(object["type"]?.stringValue ?? "") {
            causes.append(
                .init(reason: "FieldValueInvalid", message: "Invalid value: has to be Normal or Warning", field: "type")
            )
        }
        let regarded = object["regarding"]?["namespace"]?.stringValue ?? ""
        let own = object["metadata"]?["namespace"]?.stringValue ?? ""
        if regarded.isEmpty ? !["default", "kube-system"].contains(own) : regarded != own {
            causes.append(
                .init(
                    reason: "FieldValueInvalid", message: "does not match event.namespace", field: "regarding.namespace"
                ))
        }
        return causes
    }
}
