/// A function of the language: dispatches by the types of its values itself.
struct NativeFunction: Sendable {
    typealias Body = @Sendable (_ arguments: [CELValue], _ meter: inout CostMeter) throws(CELError) -> CELValue

    /// What the first argument must be, where functions of several libraries share a name.
    enum Subject: Sendable {
        case any, string, list
        case opaque(any CELOpaqueValue.Type)

        func admits(_ value: CELValue?) -> Bool {
            switch (self, value) {
            case (.any, _), (.string, .string?), (.list, .list?): true
            case (.opaque(let wanted), .opaque(let found)?): type(of: found) == wanted
            default: false
            }
        }
    }

    let name: String
    /// Called as `a.f(b)`; the receiver is the first argument.
    let isReceiver: Bool
    /// How many arguments, the receiver included.
    let arity: ClosedRange<Int>
    let subject: Subject
    let body: Body

    static func global(
        _ name: String, _ arity: ClosedRange<Int>, on subject: Subject = .any, _ body: @escaping Body
    ) -> NativeFunction {
        NativeFunction(name: name, isReceiver: false, arity: arity, subject: subject, body: body)
    }

    static func receiver(
        _ name: String, _ arity: ClosedRange<Int>, on subject: Subject = .any, _ body: @escaping Body
    ) -> NativeFunction {
        NativeFunction(name: name, isReceiver: true, arity: arity, subject: subject, body: body)
    }

    /// One function for several of the same name, chosen by the first argument when called.
    static func choice(_ functions: [NativeFunction]) -> NativeFunction? {
        guard let first = functions.first, functions.count > 1 else { return functions.first }
        return NativeFunction(
            name: first.name, isReceiver: first.isReceiver, arity: first.arity, subject: .any
        ) { (arguments, meter) throws(CELError) in
            guard let function = functions.first(where: { $0.subject.admits(arguments.first) }) else {
                throw CELError.noSuchOverload(first.name, arguments)
            }
            return try function.body(arguments, &meter)
        }
    }
}

/// All functions by name.
struct FunctionTable: Sendable {
    private let byName: [String: [NativeFunction]]

    /// The standard functions and every extension library.
    static let standard = FunctionTable(
        Conversions.functions + StringFunctions.functions + StringExtensions.functions + TimeFunctions.functions
            + MathFunctions.functions + OptionalFunctions.functions + EncoderFunctions.functions
            + NetworkFunctions.functions + FunctionLibrary.all.flatMap(\.functions))

    init(_ functions: [NativeFunction]) { byName = Dictionary(grouping: functions, by: \.name) }

    func function(_ name: String, isReceiver: Bool, count: Int) -> NativeFunction? {
        guard let functions = byName[name] else { return nil }
        return NativeFunction.choice(functions.filter { $0.isReceiver == isReceiver && $0.arity.contains(count) })
    }

    func isGlobal(_ name: String) -> Bool { byName[name]?.contains { !$0.isReceiver } ?? false }

    func isKnown(_ name: String) -> Bool { byName[name] != nil }
}
