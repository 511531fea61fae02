import Testing

@testable import CEL

@Suite("CEL compilation")
struct CELCompilationTests {
    private static let claims = CELType.object(
        CELObjectType(
            name: "claims",
            fields: [
                "snp": .object(
                    CELObjectType(name: "claims.snp", fields: ["policy_debug_allowed": .bool, "tcb": .int])),
                "measurements": .list(.string), "extra": .map(.string, .dyn),
            ]))
    private static let environment = CELEnvironment(variables: ["claims": claims, "tee": .string, "any": .dyn])

    private func error(_ source: String, _ environment: CELEnvironment = environment) -> CELError? {
        do throws(CELError) {
            _ = try CELProgram(source, environment: environment)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "a malformed expression is refused with line and column",
        arguments: [
            ("", 1, 1), ("1 +", 1, 4), ("1 + + 2", 1, 5), ("(1", 1, 3), ("[1, 2", 1, 6), ("{'a' 1}", 1, 6),
            ("'abc", 1, 1),
            ("'a\nb'", 1, 1), ("1\n +\n  *", 3, 3), ("a = b", 1, 3), ("tee & tee", 1, 5), ("9223372036854775808", 1, 1),
            ("0x", 1, 1),
            ("18446744073709551616u", 1, 1), ("'\\q'", 1, 2), ("'\\ud800'", 1, 2), ("b'\\u0041'", 1, 3), ("for", 1, 1),
            ("has(tee)", 1, 5), ("[1].all(1, true)", 1, 9), ("[1].exists(a.b, true)", 1, 13), ("tee.in", 1, 5),
            ("1a", 1, 1),
            ("1 2", 1, 3), ("a.`b", 1, 3), ("tee ?", 1, 6), ("[1].all(x, x, x > 0)", 1, 5), ("\u{1F431}", 1, 1),
            ("1 ?? 2", 1, 4),
        ])
    func syntax(source: String, line: Int, column: Int) throws {
        let found = try #require(error(source), "\(source) was accepted")
        #expect(found.code == "syntax_error", "\(source): \(found)")
        #expect((found.line, found.column) == (line, column), "\(source): \(found)")
    }

    @Test(
        "a name, type or function that cannot be is refused when compiled",
        arguments: [
            ("clams.snp", "undeclared_reference", 1, 1), ("tee == 'snp' &&\n  tea", "undeclared_reference", 2, 3),
            ("claims.snp.policy_debug_alowed", "unknown_field", 1, 11), ("claims['spn']", "unknown_field", 1, 8),
            ("has(claims.sgx)", "unknown_field", 1, 11), ("tee == 1", "no_such_overload", 1, 5),
            ("claims.snp.tcb >= 'a'", "no_such_overload", 1, 16), ("tee && true", "no_such_overload", 1, 1),
            ("tee.size", "type_mismatch", 1, 4), ("tee.exists(x, true)", "type_mismatch", 1, 1),
            ("claims.measurements.all(m, m == 1)", "no_such_overload", 1, 30),
            ("frob(1)", "undeclared_reference", 1, 1),
            ("tee.frob()", "undeclared_reference", 1, 5), ("size(1, 2)", "no_such_overload", 1, 1),
            ("1 + 1u", "no_such_overload", 1, 3),
            ("claims.measurements.filter(m, m)", "type_mismatch", 1, 31),
            ("tee.matches('(')", "invalid_argument", 1, 13),
            ("Unknown{a: 1}", "undeclared_reference", 1, 8),
            ("google.protobuf.Struct{feelds: {}}", "unknown_field", 1, 24),
            ("cel.block([1], cel.index(0))", "undeclared_reference", 1, 16),
        ])
    func checks(source: String, code: String, line: Int, column: Int) throws {
        let found = try #require(error(source), "\(source) was accepted")
        #expect(found.code == code, "\(source): \(found)")
        #expect((found.line, found.column) == (line, column), "\(source): \(found)")
    }

    @Test("a misspelt field is told the nearest name")
    func nearest() throws {
        let found = try #require(error("claims.snp.policy_debug_alowed"))
        #expect(found.message.contains("did you mean 'policy_debug_allowed'?"))
    }

    @Test(
        "an expression has the type that its parts give it",
        arguments: [
            ("claims.snp.policy_debug_allowed == false || tee != 'snp'", CELType.bool),
            ("claims.measurements[0]", .string),
            ("claims.extra.a.b", .dyn), ("[1, 'a']", .list(.dyn)), ("{}", .map(.dyn, .dyn)), ("[1, null]", .list(.dyn)),
            ("[duration('1s'), null][0]", .duration), ("[null, duration('1s')][0]", .duration),
            ("([].map(x, x))[0]", .dyn),
            ("[].exists(x, x == 1 && x == 'a')", .bool), ("any.x", .dyn), ("any + 1", .int), ("type(1)", .type(.int)),
            ("int", .type(.int)),
            ("claims.?extra.?x", .optional(.dyn)), ("[optional.none(), optional.of(1)]", .list(.optional(.int))),
            ("claims.extra.transformList(k, v, k)", .list(.string)), ("math.greatest(1, 2.0)", .dyn),
            ("claims.snp.tcb / 2", .int),
            ("tee == 'a' ? optional.of(1) : optional.none()", .optional(.int)), ("size(claims)", .int),
            ("'snp' in claims", .bool),
        ])
    func types(source: String, type: CELType) throws {
        #expect(try CELProgram(source, environment: Self.environment).resultType == type)
    }

    @Test("unchecked, a wrong name is an error only where it is evaluated")
    func unchecked() throws {
        let environment = CELEnvironment(isChecked: false)
        #expect(try CELProgram("nothing.at.all || true", environment: environment).evaluate() == true)
        #expect(throws: CELError.self) { try CELProgram("nothing", environment: environment).evaluate() }
    }

    @Test("the paths that an expression reads are listed with their places")
    func references() throws {
        let source = """
            claims.snp.tcb > 1 &&
              claims["extra"].a[tee] == any.list.exists(x, x.y == any.z)
              && has(claims.extra.b) && cel.bind(t, claims.?extra, t.hasValue()) && math.abs(claims.snp.tcb) == int(1)
              && type(tee) == string
            """
        let references = try CELProgram(source, environment: Self.environment).references
        #expect(
            references.map(\.text) == [
                "claims.snp.tcb", "claims.extra.a", "tee", "any.list", "any.z", "claims.extra.b", "claims.extra",
                "claims.snp.tcb", "tee",
            ])
        #expect(references.map(\.isPresenceTest) == [false, false, false, false, false, true, true, false, false])
        #expect(references.map(\.line) == [1, 2, 2, 2, 2, 3, 3, 3, 4])
        #expect(references[0].column == 1)
        #expect(references[2].column == 21)
    }
}
