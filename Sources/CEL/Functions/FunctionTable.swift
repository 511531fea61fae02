/// A function of the language: dispatches by the types of its values itself.
struct NativeFunction: Sendable {
    typealias Body = @Sendable (_ arguments: [CELValue], _ meter: inout CostMeter) throws(CELError) -> CELValue

    let name: String
    /// Called as `a.f(b)`; the receiver is the first argument.
    let isReceiver: Bool
    /// How many arguments, the receiver included.
    let arity: ClosedRange<Int>
    let body: Body

    static func global(_ name: String, _ arity: ClosedRange<Int>, _ body: @escaping Body) -> NativeFunction {
        NativeFunction(name: name, isReceiver: false, arity: arity, body: body)
    }

    static func receiver(_ name: String, _ arity: ClosedRange<Int>, _ body: @escaping Body) -> NativeFunction {
        NativeFunction(name: name, isReceiver: true, arity: arity, body: body)
    }
}

/// All functions by name.
struct FunctionTable: Sendable {
    private let byName: [String: [NativeFunction]]

    /// The standard functions and every extension library.
    static let standard = FunctionTable(
        Conversions.functions + StringFunctions.functions + StringExtensions.functions + TimeFunctions.functions
            + MathFunctions.functions + OptionalFunctions.functions + EncoderFunctions.functions
            + NetworkFunctions.functions)

    init(_ functions: [NativeFunction]) { byName = Dictionary(grouping: functions, by: \.name) }

    func function(_ name: String, isReceiver: Bool, count: Int) -> NativeFunction? {
        byName[name]?.first { $0.isReceiver == isReceiver && $0.arity.contains(count) }
    }

    func isGlobal(_ name: String) -> Bool { byName[name]?.contains { !$0.isReceiver } ?? false }

    func isKnown(_ name: String) -> Bool { byName[name] != nil }
}
