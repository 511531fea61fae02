/// What an expression may refer to, and how large it may be.
public struct CELEnvironment: Sendable {
    /// The standard functions and macros, no variables.
    public static let standard = CELEnvironment()

    /// The variables by name (which may be qualified, `a.b`) and their types; `.dyn` where nothing is known.
    public var variables: [String: CELType]
    /// Functions declared without an implementation, for checking alone.
    public var functions: [CELFunctionDeclaration]
    /// The namespace in which names are resolved first, such as `com.example`.
    public var container: String
    /// The bounds of an expression.
    public var limits: CELLimits
    /// Whether names and types are checked when compiled. Without, a wrong name is an error only when it is evaluated.
    public var isChecked: Bool
    /// Whether `has`, `all`, `map` and the other macros exist.
    public var hasMacros: Bool
    /// Whether `cel.block`, `cel.index` and `cel.iterVar` exist, the form that optimisers write.
    public var hasBlockMacros: Bool

    /// An environment.
    public init(
        variables: [String: CELType] = [:], container: String = "", limits: CELLimits = CELLimits(),
        isChecked: Bool = true, hasMacros: Bool = true, hasBlockMacros: Bool = false,
        functions: [CELFunctionDeclaration] = []
    ) {
        self.variables = variables
        self.container = container
        self.limits = limits
        self.isChecked = isChecked
        self.hasMacros = hasMacros
        self.hasBlockMacros = hasBlockMacros
        self.functions = functions
    }

    /// An environment of variables that may hold anything.
    public init(variableNames: [String]) {
        self.init(
            variables: Dictionary(variableNames.map { ($0, CELType.dyn) }, uniquingKeysWith: { first, _ in first }))
    }

    /// The full names that a name may stand for, most specific first; a leading dot means the root alone.
    func candidates(for name: String) -> [String] {
        if name.hasPrefix(".") { return [String(name.dropFirst())] }
        guard !container.isEmpty else { return [name] }
        var scopes = container.split(separator: ".")
        var names: [String] = []
        while !scopes.isEmpty {
            names.append(scopes.joined(separator: ".") + "." + name)
            scopes.removeLast()
        }
        return names + [name]
    }
}

/// How large an expression may be; each bound holds before the memory is taken.
public struct CELLimits: Sendable, Hashable {
    /// The longest source, in code points.
    public var maximumSourceLength: Int
    /// The deepest nesting of parts.
    public var maximumDepth: Int
    /// The largest number of parts.
    public var maximumNodes: Int

    /// 64 Ki code points, 100 levels, 20,000 parts.
    public init(maximumSourceLength: Int = 65_536, maximumDepth: Int = 100, maximumNodes: Int = 20_000) {
        self.maximumSourceLength = maximumSourceLength
        self.maximumDepth = maximumDepth
        self.maximumNodes = maximumNodes
    }
}
