import Encodings
import Foundation

/// In which shape a client wants objects: as they are, their metadata alone, or rows of a table.
enum ObjectShape: Sendable {
    case whole, metadata
    case table(includingObject: String)

    init(accept: String?, includeObject: String?) {
        self = .whole
        for part in (accept ?? "").split(separator: ",") {
            let words = part.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            if words.contains("as=Table") {
                self = .table(includingObject: includeObject ?? "Metadata")
                return
            }
            if words.contains(where: { $0.hasPrefix("as=PartialObjectMetadata") }) {
                self = .metadata
                return
            }
            // The first that can be had counts; protocol buffers and aggregated discovery cannot.
            if words.first == "application/json", !words.contains(where: { $0.hasPrefix("as=") }) { return }
        }
    }

    static func metadata(of object: JSONObject) -> JSONObject {
        ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:]]
    }

    func shaped(_ object: JSONObject, _ kind: ResourceKind, now: Date, withColumns: Bool = true) -> JSONObject {
        switch self {
        case .whole: return object
        case .metadata: return Self.metadata(of: object)
        case .table:
            return table(
                [object], kind, metadata: ["resourceVersion": .string(object.resourceVersion)], now: now,
                withColumns: withColumns)
        }
    }

    func list(_ objects: [JSONObject], _ kind: ResourceKind, metadata: JSONObject, now: Date) -> JSONObject {
        let items: [JSONValue]
        switch self {
        case .table: return table(objects, kind, metadata: metadata, now: now, withColumns: true)
        case .metadata: items = objects.map { .object(Self.metadata(of: $0)) }
        case .whole where kind.isCustom: items = objects.map(JSONValue.object)
        case .whole:
            // Items of built-in kinds do not repeat what the list says.
            items = objects.map { object in
                var item = object
                item["apiVersion"] = nil
                item["kind"] = nil
                return .object(item)
            }
        }
        if case .metadata = self {
            return [
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": .object(metadata),
                "items": .array(items),
            ]
        }
        return [
            "kind": .string(kind.listKind), "apiVersion": .string(kind.apiVersion), "metadata": .object(metadata),
            "items": .array(items),
        ]
    }

    private func table(
        _ objects: [JSONObject], _ kind: ResourceKind, metadata: JSONObject, now: Date, withColumns: Bool
    ) -> JSONObject {
        guard case .table(let included) = self else { return [:] }
        let rows = objects.map { object -> JSONValue in
            var row: JSONObject = ["cells": .array(kind.columns.map { $0.cell(of: object, now: now) })]
            switch included {
            case "None": break
            case "Object": row["object"] = .object(object)
            default: row["object"] = .object(Self.metadata(of: object))
            }
            return .object(row)
        }
        return [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": .object(metadata),
            "columnDefinitions": withColumns ? .array(kind.columns.map(\.definition)) : .null, "rows": .array(rows),
        ]
    }
}
