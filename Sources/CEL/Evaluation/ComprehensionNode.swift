/// A macro that walks over the elements of a list or the entries of a map.
struct ComprehensionNode: Evaluable {
    let kind: Comprehension.Kind
    let range: any Evaluable
    let slot: Int
    let secondSlot: Int?
    let condition: (any Evaluable)?
    let transform: (any Evaluable)?
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let value = try range.evaluate(&frame)
        switch kind {
        case .all: return try quantify(value, &frame, deciding: false)
        case .exists: return try quantify(value, &frame, deciding: true)
        case .existsOne: return try countOne(value, &frame)
        case .filter, .map, .transformList: return try list(value, &frame)
        case .transformMap, .transformMapEntry: return try map(value, &frame)
        case .sortBy: return try sorted(value, &frame)
        }
    }

    /// Calls the body for each element with its variables set, until it answers false.
    private func walk(
        _ value: CELValue, _ frame: inout Frame,
        _ body: (inout Frame, _ key: CELValue, _ element: CELValue) throws(CELError) -> Bool
    ) throws(CELError) {
        switch value {
        case .list(let elements):
            for (index, element) in elements.enumerated() {
                let key = CELValue.int(Int64(index))
                try bind(&frame, first: secondSlot == nil ? element : key, second: element)
                guard try body(&frame, key, element) else { return }
            }
        case .map(let map):
            var entries = map.makeIterator()
            while let (key, element) = try entries.next(&frame.meter, isKeyOnly: secondSlot == nil) {
                try bind(&frame, first: key, second: element)
                guard try body(&frame, key, secondSlot == nil ? key : element) else { return }
            }
        default:
            throw CELError(
                .noSuchOverload, "a value of type \(value.typeName) cannot be walked over", at: position)
        }
    }

    private func bind(_ frame: inout Frame, first: CELValue, second: CELValue) throws(CELError) {
        try frame.meter.charge(1)
        frame.locals[slot] = first
        if let secondSlot { frame.locals[secondSlot] = second }
    }

    private func holds(_ frame: inout Frame) throws(CELError) -> Bool {
        guard let condition else { return true }
        let value = try condition.evaluate(&frame)
        guard case .bool(let truth) = value else {
            throw CELError(
                .noSuchOverload, "the condition is of type \(value.typeName), not bool", at: position)
        }
        return truth
    }

    /// `all` and `exists`: an element that decides makes the errors of the others void.
    private func quantify(
        _ value: CELValue, _ frame: inout Frame, deciding: Bool
    ) throws(CELError) -> CELValue {
        var failure: CELError?
        var isDecided = false
        try walk(value, &frame) { (frame, _, _) throws(CELError) in
            do throws(CELError) {
                isDecided = try holds(&frame) == deciding
            } catch {
                guard error.kind != .costExceeded else { throw error }
                failure = failure ?? error
            }
            return !isDecided
        }
        if isDecided { return .bool(deciding) }
        if let failure { throw failure }
        return .bool(!deciding)
    }

    private func countOne(_ value: CELValue, _ frame: inout Frame) throws(CELError) -> CELValue {
        var count = 0
        try walk(value, &frame) { (frame, _, _) throws(CELError) in
            if try holds(&frame) { count += 1 }
            return true
        }
        return .bool(count == 1)
    }

    private func list(_ value: CELValue, _ frame: inout Frame) throws(CELError) -> CELValue {
        var result: [CELValue] = []
        try walk(value, &frame) { (frame, _, element) throws(CELError) in
            guard try holds(&frame) else { return true }
            result.append(try transform?.evaluate(&frame) ?? element)
            return true
        }
        return .list(result)
    }

    private func sorted(_ value: CELValue, _ frame: inout Frame) throws(CELError) -> CELValue {
        guard case .list(let list) = value else { throw CELError.noSuchOverload("sortBy", value).placed(at: position) }
        var keys: [CELValue] = []
        try walk(value, &frame) { (frame, _, element) throws(CELError) in
            keys.append(try transform?.evaluate(&frame) ?? element)
            return true
        }
        do throws(CELError) { return .list(try ListOrder.sorted(list, by: keys, &frame.meter)) } catch {
            throw error.placed(at: position)
        }
    }

    private func map(_ value: CELValue, _ frame: inout Frame) throws(CELError) -> CELValue {
        var result = CELMap()
        try walk(value, &frame) { (frame, key, element) throws(CELError) in
            guard try holds(&frame) else { return true }
            let transformed = try transform?.evaluate(&frame) ?? element
            guard kind == .transformMapEntry else {
                try MapNode.insert(transformed, for: key, into: &result, &frame.meter, at: position)
                return true
            }
            guard case .map(let entries) = transformed else {
                throw CELError.noSuchOverload("transformMapEntry", transformed).placed(at: position)
            }
            try frame.meter.charge(entries.count)
            var walk = entries.makeIterator()
            while let (key, value) = try walk.next(&frame.meter) {
                try MapNode.insert(value, for: key, into: &result, &frame.meter, at: position)
            }
            return true
        }
        return .map(result)
    }
}
