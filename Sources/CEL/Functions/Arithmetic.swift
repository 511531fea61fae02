/// `+ - * / %` and negation: within one type, every result checked against its range.
enum Arithmetic {
    static func negate(_ value: CELValue) throws(CELError) -> CELValue {
        switch value {
        case .int(let number): return .int(try checked(Int64(0).subtractingReportingOverflow(number)))
        case .double(let number): return .double(-number)
        default: throw CELError.noSuchOverload("-", value)
        }
    }

    static func add(_ left: CELValue, _ right: CELValue, _ meter: inout CostMeter) throws(CELError) -> CELValue {
        switch (left, right) {
        case (.int(let a), .int(let b)): return .int(try checked(a.addingReportingOverflow(b)))
        case (.uint(let a), .uint(let b)): return .uint(try checked(a.addingReportingOverflow(b)))
        case (.double(let a), .double(let b)): return .double(a + b)
        case (.string(let a), .string(let b)):
            try meter.charge(bytes: a.utf8.count + b.utf8.count)
            return .string(a + b)
        case (.bytes(let a), .bytes(let b)):
            try meter.charge(bytes: a.count + b.count)
            return .bytes(a + b)
        case (.list(let a), .list(let b)):
            try meter.charge(a.count + b.count)
            return .list(a + b)
        case (.timestamp(let a), .duration(let b)): return .timestamp(try a.adding(b))
        case (.duration(let a), .timestamp(let b)): return .timestamp(try b.adding(a))
        case (.duration(let a), .duration(let b)):
            return .duration(
                CELDuration(nanoseconds: try checked(a.nanoseconds.addingReportingOverflow(b.nanoseconds))))
        default: throw CELError.noSuchOverload("+", left, right)
        }
    }

    static func subtract(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        switch (left, right) {
        case (.int(let a), .int(let b)): return .int(try checked(a.subtractingReportingOverflow(b)))
        case (.uint(let a), .uint(let b)): return .uint(try checked(a.subtractingReportingOverflow(b)))
        case (.double(let a), .double(let b)): return .double(a - b)
        case (.timestamp(let a), .timestamp(let b)): return .duration(try a.distance(from: b))
        case (.timestamp(let a), .duration(let b)): return .timestamp(try a.subtracting(b))
        case (.duration(let a), .duration(let b)):
            return .duration(
                CELDuration(nanoseconds: try checked(a.nanoseconds.subtractingReportingOverflow(b.nanoseconds))))
        default: throw CELError.noSuchOverload("-", left, right)
        }
    }

    static func multiply(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        switch (left, right) {
        case (.int(let a), .int(let b)): return .int(try checked(a.multipliedReportingOverflow(by: b)))
        case (.uint(let a), .uint(let b)): return .uint(try checked(a.multipliedReportingOverflow(by: b)))
        case (.double(let a), .double(let b)): return .double(a * b)
        default: throw CELError.noSuchOverload("*", left, right)
        }
    }

    static func divide(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        switch (left, right) {
        case (.int, .int(0)), (.uint, .uint(0)): throw CELError(.divideByZero, "division by zero")
        case (.int(let a), .int(let b)): return .int(try checked(a.dividedReportingOverflow(by: b)))
        case (.uint(let a), .uint(let b)): return .uint(a / b)
        case (.double(let a), .double(let b)): return .double(a / b)
        default: throw CELError.noSuchOverload("/", left, right)
        }
    }

    static func modulo(_ left: CELValue, _ right: CELValue) throws(CELError) -> CELValue {
        switch (left, right) {
        case (.int, .int(0)), (.uint, .uint(0)): throw CELError(.divideByZero, "modulus by zero")
        case (.int(let a), .int(let b)): return .int(try checked(a.remainderReportingOverflow(dividingBy: b)))
        case (.uint(let a), .uint(let b)): return .uint(a % b)
        default: throw CELError.noSuchOverload("%", left, right)
        }
    }

    private static func checked<T>(_ result: (partialValue: T, overflow: Bool)) throws(CELError) -> T {
        guard !result.overflow else { throw CELError(.overflow, "the result is out of range") }
        return result.partialValue
    }
}
