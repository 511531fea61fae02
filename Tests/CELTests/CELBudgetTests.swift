import Testing

@testable import CEL

@Suite("CEL budget")
struct CELBudgetTests {
    private func code(_ source: String, _ variables: [String: CELValue] = [:], costLimit: Int = 100_000) -> String? {
        do throws(CELError) {
            let environment = CELEnvironment(variableNames: Array(variables.keys))
            _ = try CELProgram(source, environment: environment).evaluate(variables, costLimit: costLimit)
            return nil
        } catch {
            return error.code
        }
    }

    private func nested(_ depth: Int, _ before: String, _ inner: String, _ after: String) -> String {
        String(repeating: before, count: depth) + inner + String(repeating: after, count: depth)
    }

    @Test("A36: nested macros stop when the budget is spent")
    func exponentialMacros() {
        let list = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
        #expect(code(nested(8, "\(list).all(x, ", "true", ")")) == "cost_exceeded")
        #expect(code("['a', 'b']" + String(repeating: ".map(x, [x + x, x + x])", count: 60) + " == []") == nil)
        #expect(code(nested(8, "\(list).map(x, ", "x", ")")) == "cost_exceeded")
        #expect(code(nested(9, "\(list).transformMap(k, v, ", "v", ")")) == "cost_exceeded")
    }

    @Test("A36: values that double at every step stop when the budget is spent")
    func exponentialValues() {
        func doubling(_ step: String, _ start: String, _ end: String) -> String {
            var source = end
            for _ in 0..<60 { source = "cel.bind(x, \(step), \(source))" }
            return "cel.bind(x, \(start), \(source))"
        }
        #expect(code(doubling("x + x", "'a'", "size(x) > 0")) == "cost_exceeded")
        #expect(code(doubling("x + x", "b'a'", "size(x) > 0")) == "cost_exceeded")
        #expect(code(doubling("x + x", "[1]", "size(x) > 0")) == "cost_exceeded")
        #expect(code(doubling("x.replace('a', x)", "'aa'", "size(x) > 0")) == "cost_exceeded")
        #expect(code(doubling("'%s%s'.format([x, x])", "'a'", "size(x) > 0")) == "cost_exceeded")
        // Shared parts cost nothing to build, but everything that walks over them pays.
        #expect(code(doubling("[x, x]", "1", "size(x) == 2")) == nil)
        #expect(code(doubling("[x, x]", "1", "cel.bind(y, x, x == y)")) == "cost_exceeded")
        #expect(code(doubling("{true: x, false: x}", "1", "cel.bind(y, x, x == y)")) == "cost_exceeded")
        #expect(code(doubling("{x: x}", "true", "size(x) == 1")) == "no_such_overload")
        #expect(code(doubling("[x, x]", "1", "'%s'.format([x])")) == "cost_exceeded")
        #expect(code(doubling("[x, x]", "1", "google.protobuf.ListValue{values: x}")) == "cost_exceeded")
    }

    @Test("A36: no operator and no macro absorbs a spent budget")
    func notAbsorbed() {
        let endless = nested(8, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(x, ", "true", ")")
        #expect(code("\(endless) || true") == "cost_exceeded")
        #expect(code("false && true || \(endless) && false") == "cost_exceeded")
        #expect(code("[1].exists(y, \(endless) || true)") == "cost_exceeded")
        #expect(code("1 == 1 && 2 == 2", costLimit: 3) == "cost_exceeded")
    }

    @Test("A36: long texts are paid for by their length")
    func texts() {
        let long = CELValue.string(String(repeating: "a", count: 1_000_000))
        #expect(code("[1, 2, 3, 4].all(i, s.contains('b'))", ["s": long]) == "cost_exceeded")
        #expect(code("s == s + 'a'", ["s": long]) == "cost_exceeded")
        #expect(code("s.matches('(a+)+$')", ["s": long]) == "cost_exceeded")
        #expect(code("s.matches(s)", ["s": long]) == "cost_exceeded")
        #expect(code("s in {'a': 1} || s in {'b': 1}", ["s": long]) == "cost_exceeded")
    }

    @Test("A36: deep nesting is refused with its place")
    func deepNesting() {
        for source in [
            nested(5000, "(", "1", ")"), nested(5000, "[", "1", "]"), nested(3000, "{1: ", "1", "}"),
            nested(5000, "-", "x", ""),
            nested(5000, "!", "true", ""), nested(5000, "size(", "1", ")"), "a" + nested(5000, ".b", "", ""),
            "1" + nested(5000, "+1", "", ""), nested(3000, "true ? 1 : ", "1", ""), "[1]" + nested(5000, "[0]", "", ""),
            "[1]" + nested(2000, ".map(x, x)", "", ""), nested(1000, "has(a.b) ? a : (", "1", ")"),
        ] {
            #expect(code(source) == "nesting_too_deep", "\(source.prefix(30))")
        }
        #expect(code(nested(90, "(", "1", ")")) == nil)
        #expect(code(nested(90, "[", "1", "]")) == nil)
    }

    @Test("A36: an expression of too many parts or characters is refused")
    func largeExpressions() {
        #expect(code(String(repeating: "true && ", count: 30_000) + "true") == "expression_too_large")
        #expect(code("[" + String(repeating: "1,", count: 30_000) + "1]") == "expression_too_large")
        #expect(code("'" + String(repeating: "a", count: 70_000) + "'") == "expression_too_large")
        #expect(code(String(repeating: "true && ", count: 1000) + "true") == nil)
    }

    @Test("A36: names that stand for each other longer than the stack allows are refused")
    func longChains() throws {
        let slots = (0..<3000).map { $0 == 0 ? "0" : "cel.index(\($0 - 1)) + 1" }.joined(separator: ", ")
        let blocks = CELEnvironment(hasBlockMacros: true)
        let error = #expect(throws: CELError.self) {
            try CELProgram("cel.block([\(slots)], cel.index(2999))", environment: blocks)
        }
        #expect(error?.code == "nesting_too_deep")
        // Each step is shallow; the values would nest some 1500 lists.
        let wrap = nested(30, "[", "x", "]")
        #expect(code("[1]" + String(repeating: ".map(x, \(wrap))", count: 50)) == "nesting_too_deep")
        let bound = (0..<50).reduce("size(x)") { source, _ in "cel.bind(x, \(wrap), size(x) == 1 ? \(source) : 0)" }
        #expect(code("cel.bind(x, [1], \(bound))") == "nesting_too_deep")
        let optional = String(repeating: ".optMap(x, \(wrap))", count: 50)
        #expect(code("optional.of(1)" + optional) == "nesting_too_deep")
        #expect(code("[1]" + String(repeating: ".map(x, [x])", count: 60)) == nil)
    }

    @Test("A36: the deepest evaluation that the limits allow fits the stack")
    func deepestEvaluation() throws {
        var source = "x"
        for _ in 0..<8 { source = "cel.bind(x, \(nested(45, "[", "x", "]")), \(source))" }
        let program = try CELProgram("cel.bind(x, 1, \(source))")
        // The value nests some 360 lists: it exists, but is not written out.
        #expect(try program.evaluate().json() == nil)
        let equality = try CELProgram("cel.bind(x, 1, \(source)) == cel.bind(x, 1, \(source))")
        #expect(try equality.evaluate() == true)
    }

    @Test("arbitrary expressions are refused or end with a value or an error")
    func survivesArbitraryExpressions() {
        var generator = DeterministicGenerator(seed: 36)
        let tokens = [
            "1", "2u", "0.5", "'a'", "b'a'", "true", "null", "x", "y", "m", "(", ")", "[", "]", "{", "}", ",", ":", ".",
            "?", "+", "-",
            "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "!", "in", "size", "has(", ".map(", ".all(", ".exists(",
            "x,", ".filter(x,",
            "cel.bind(", "m.a", ".?a", "[?", "optional.of(", ".matches(", "'(a+'", ".format(", "type(", "duration(",
            "timestamp(", "int",
            "string(", "'1h'", "9223372036854775807", "-9223372036854775808", ".transformMap(k, v,", "math.greatest(",
            "ip(", " ", "\n",
        ]
        var evaluated = 0
        for round in 0..<8000 {
            let count = Int.random(in: 1..<24, using: &generator)
            let source = (0..<count).compactMap { _ in tokens.randomElement(using: &generator) }.joined()
            let environment = CELEnvironment(
                variables: ["x": .dyn, "y": .int, "m": .map(.string, .dyn)], isChecked: round % 2 == 0)
            guard let program = try? CELProgram(source, environment: environment) else { continue }
            evaluated += 1
            let variables: [String: CELValue] = ["x": [1, "a"], "y": 3, "m": ["a": 1]]
            let value = try? program.evaluate(variables, costLimit: 2000)
            let traced = try? program.trace(variables, costLimit: 100_000).result.get()
            if let value, let traced { #expect(value.typeName == traced.typeName, "\(source)") }
            _ = value?.json(maximumValues: 1000)
        }
        #expect(evaluated > 100)
    }

    @Test("arbitrary changes to good expressions never break the compiler or the evaluator")
    func survivesMutations() {
        var generator = DeterministicGenerator(seed: 7)
        let seeds = [
            "claims.snp.policy_debug_allowed == false || tee != 'snp'", "[1, 2, 3].exists(x, x > 2 ? x in [3] : false)",
            "{'a': {'b': [1u, 2.5e3, b'\\xff', r'\\d']}}.a.b[0] == 0x1u",
            "has(m.a) && m.a.matches('^[a-z]+$') && size(m) < 3",
            "cel.bind(t, timestamp('2020-01-01T00:00:00Z') + duration('1h'), t.getHours('Europe/Berlin') == 2)",
            "'%d %s'.format([1, ['a', {1: 2.5}]]).split(' ').map(s, s.upperAscii()).join('\"\"\"')",
        ].map { Array($0.unicodeScalars) }
        for _ in 0..<5000 {
            guard var scalars = seeds.randomElement(using: &generator) else { return }
            for _ in 0..<Int.random(in: 1..<4, using: &generator) {
                let place = Int.random(in: 0..<scalars.count, using: &generator)
                if Bool.random(using: &generator) {
                    scalars.remove(at: place)
                } else if let scalar = Unicode.Scalar(UInt32.random(in: 1..<260, using: &generator)) {
                    scalars[place] = scalar
                }
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            let environment = CELEnvironment(isChecked: false)
            _ = try? CELProgram(String(view), environment: environment).evaluate(["m": ["a": "b"]], costLimit: 1000)
        }
    }
}

/// Numbers that are the same in every run (SplitMix64).
struct DeterministicGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
