/// An extension library: its functions, and their signatures for the checker.
struct FunctionLibrary: Sendable {
    typealias Overload = CELFunctionDeclaration.Overload

    let functions: [NativeFunction]
    /// Signatures by name; libraries may share a name.
    let declarations: [String: [Overload]]
    /// The names of the library's types.
    var types: [CELType] = []

    static let all: [FunctionLibrary] = [
        ListFunctions.library, SetFunctions.library, ListAggregates.library, RegexSearches.library,
        URLFunctions.library, QuantityFunctions.library, SemverFunctions.library, FormatFunctions.library,
    ]
}

extension CELFunctionDeclaration.Overload {
    static func global(_ parameters: CELType..., to result: CELType) -> Self { Self(parameters, result) }

    static func receiver(_ parameters: CELType..., to result: CELType) -> Self {
        Self(parameters, result, isReceiver: true)
    }
}

extension CELType {
    static let a = CELType.parameter("A")
    /// The types whose values have an order among themselves.
    static let ordered: [CELType] = [.int, .uint, .double, .bool, .duration, .timestamp, .string, .bytes]
}
