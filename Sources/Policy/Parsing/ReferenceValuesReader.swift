import Encodings
import FoundationEssentials

/// Reads the spec of a `ReferenceValues` document.
struct ReferenceValuesReader {
    private let header: DocumentHeader

    init(_ header: DocumentHeader) {
        self.header = header
    }

    func read() -> ReferenceValuesSpec? {
        guard let spec = ObjectReader(header.spec, fields: ["values"]) else { return nil }
        guard let items = spec.required("values")?.items(maximum: 4096, allowEmpty: true) else { return nil }
        var entries: [ReferenceValueEntry] = []
        var single: [String: Bool] = [:]
        for item in items {
            guard let entry = readEntry(item) else { continue }
            entries.append(entry)
            guard entry.state != .revoked else { continue }
            // Lists of one name are one list whose parts have lives of their own; of single values only one can count.
            if let other = single[entry.name], other || !entry.isList {
                item.report(
                    "duplicate_name", "The reference value '\(entry.name)' is named twice.",
                    hint: "lists given with 'values' may share a name; they are put together")
            }
            single[entry.name] = !entry.isList
        }
        return ReferenceValuesSpec(values: entries)
    }

    private func readEntry(_ field: Field) -> ReferenceValueEntry? {
        let fields = ["name", "value", "values", "state", "validFrom", "validUntil", "description", "provenance"]
        guard let object = ObjectReader(field, fields: fields) else { return nil }
        let name = object.required("name")?.text(maximum: 253)
        let value = readValue(object)
        let state = object["state"].map { $0.word(ReferenceValueState.self) } ?? .accepted
        let from = object["validFrom"].flatMap(readDate)
        let until = object["validUntil"].flatMap(readDate)
        let description = object["description"].flatMap { $0.text() }
        let provenance = object["provenance"].flatMap(readProvenance)
        if let from, let until, from >= until {
            object["validUntil"]?.report("invalid_value", "The value ends to be valid before it begins.")
        }
        guard let name, let value, let state else { return nil }
        guard !name.isEmpty else {
            object["name"]?.report("invalid_value", "The name is empty.")
            return nil
        }
        return ReferenceValueEntry(
            name: name, value: value, state: state, validFrom: from, validUntil: until, description: description,
            provenance: provenance, isList: object["values"] != nil, position: field.node.position)
    }

    private func readProvenance(_ field: Field) -> ReferenceValueProvenance? {
        let fields = ["source", "digest", "builtBy", "signedBy", "date"]
        guard let object = ObjectReader(field, fields: fields) else { return nil }
        if object.isEmpty { field.report("invalid_value", "The provenance says nothing.", hint: "remove it") }
        func text(_ name: String) -> String? { object[name].flatMap { $0.text(maximum: 1024) } }
        return ReferenceValueProvenance(
            source: text("source"), digest: text("digest"), builtBy: text("builtBy"), signedBy: text("signedBy"),
            date: object["date"].flatMap(readDate))
    }

    private func readValue(_ object: ObjectReader) -> JSONValue? {
        switch (object["value"], object["values"]) {
        case (let single?, nil): return single.json()
        case (nil, let list?):
            guard list.items(maximum: 4096, allowEmpty: true) != nil else { return nil }
            return list.json()
        case (nil, nil):
            object.field.report(
                "missing_field", "The field 'value' or 'values' is missing.", hint: "'values' takes a list")
        case (.some, let list?):
            list.report("invalid_value", "Only one of 'value' and 'values' can be given.")
        }
        return nil
    }

    private func readDate(_ field: Field) -> Date? {
        guard let text = field.text(maximum: 40) else { return nil }
        if let date = TimestampText.date(text) { return date }
        field.report("invalid_value", "'\(text)' is no date and time.", hint: "write it like 2026-01-31T12:00:00Z")
        return nil
    }
}
