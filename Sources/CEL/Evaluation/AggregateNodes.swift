struct ListNode: Evaluable {
    let elements: [any Evaluable]
    /// Which elements are written `[?e]`: left out when none.
    let optionals: [Bool]
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        var list: [CELValue] = []
        list.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            let value = try element.evaluate(&frame)
            guard optionals[index] else {
                list.append(value)
                continue
            }
            if let present = try OptionalFunctions.content(of: value, at: position) { list.append(present) }
        }
        return .list(list)
    }
}

struct MapNode: Evaluable {
    struct Entry: Sendable {
        let key: any Evaluable
        let value: any Evaluable
        let isOptional: Bool
        let position: Int
    }

    let entries: [Entry]

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        var map = CELMap()
        for entry in entries {
            let key = try entry.key.evaluate(&frame)
            var value = try entry.value.evaluate(&frame)
            if entry.isOptional {
                guard let present = try OptionalFunctions.content(of: value, at: entry.position) else { continue }
                value = present
            }
            try Self.insert(value, for: key, into: &map, &frame.meter, at: entry.position)
        }
        return .map(map)
    }

    static func insert(
        _ value: CELValue, for key: CELValue, into map: inout CELMap, _ meter: inout CostMeter, at position: Int
    ) throws(CELError) {
        if case .string(let text) = key { try meter.charge(bytes: text.utf8.count) }
        guard CELMap.isKey(key) else {
            throw CELError(.noSuchOverload, "a map key cannot be of type \(key.typeName)", at: position)
        }
        guard map.insert(value, for: key) else {
            throw CELError(.duplicateKey, "the map has a repeated key", at: position)
        }
    }
}

/// A message literal of one of the well-known types.
struct MessageNode: Evaluable {
    let type: WellKnownMessage
    let fields: [(name: String, value: any Evaluable, isOptional: Bool)]
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        var values: [String: CELValue] = [:]
        for field in fields {
            let value = try field.value.evaluate(&frame)
            if field.isOptional {
                values[field.name] = try OptionalFunctions.content(of: value, at: position)
            } else {
                values[field.name] = value
            }
        }
        do throws(CELError) { return try type.value(fields: values, &frame.meter) } catch {
            throw error.placed(at: position)
        }
    }
}
