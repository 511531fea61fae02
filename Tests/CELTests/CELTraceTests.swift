import Testing

@testable import CEL

@Suite("CEL trace")
struct CELTraceTests {
    private let environment = CELEnvironment(variableNames: ["claims", "tee"])
    private let variables: [String: CELValue] = [
        "claims": ["debug": true, "tcb": 4, "image": "abc"], "tee": "snp",
    ]

    private func trace(_ source: String, isExhaustive: Bool = false) throws -> CELTrace {
        try CELProgram(source, environment: environment).trace(variables, isExhaustive: isExhaustive)
    }

    @Test("each comparison shows its text, its place, what was required and what was measured")
    func comparisons() throws {
        let trace = try trace("claims.tcb >= 3 &&\n  claims.image in ['x', 'y']")
        #expect(try trace.result.get() == false)
        #expect(trace.conditions.map(\.text) == ["claims.tcb >= 3", "claims.image in ['x', 'y']"])
        #expect(trace.conditions.map(\.isTrue) == [true, false])
        #expect(trace.conditions.map(\.comparison) == [">=", "in"])
        let failed = trace.conditions[1]
        #expect((failed.line, failed.column) == (2, 3))
        #expect(failed.left?.text == "claims.image")
        #expect(failed.left?.value == "abc")
        #expect(failed.left?.isConstant == false)
        #expect(failed.right?.value == ["x", "y"])
        #expect(failed.right?.isConstant == true)
    }

    @Test("conditions after the deciding one are skipped, or evaluated when asked")
    func skipping() throws {
        let source = "tee == 'tdx' && claims.missing == 1 && !claims.debug"
        let plain = try trace(source)
        guard case .skipped = plain.conditions[1].outcome, case .skipped = plain.conditions[2].outcome else {
            Issue.record("\(plain.conditions)")
            return
        }
        let full = try trace(source, isExhaustive: true)
        #expect(try full.result.get() == false)
        guard case .failed(let error) = full.conditions[1].outcome else {
            Issue.record("\(full.conditions[1])")
            return
        }
        #expect(error.code == "no_such_key")
        #expect(error.column == 23)
        #expect(full.conditions[2].isTrue)
        #expect(full.conditions.map(\.isWanted) == [true, true, false])
    }

    @Test("the untaken branch of a conditional is skipped")
    func conditionals() throws {
        let trace = try trace("tee == 'snp' ? claims.debug == false : claims.tcb == 1")
        #expect(try trace.result.get() == false)
        #expect(trace.conditions.count == 3)
        guard case .skipped = trace.conditions[2].outcome else {
            Issue.record("\(trace.conditions[2])")
            return
        }
    }

    @Test(
        "a trace ends as the evaluation does",
        arguments: [
            "claims.debug", "!claims.debug || tee == 'snp'", "claims.missing || true", "claims.missing || false",
            "claims.tcb",
            "claims.tcb && true", "!claims.tcb", "claims.tcb ? true : false", "claims.missing ? true : false",
            "1 / 0 == 1 && tee == 'x'",
            "tee == 'snp' && [1, 2].exists(x, x == claims.tcb)", "cel.bind(x, claims.tcb, x == 4 && x > 1)",
        ])
    func agreement(source: String) throws {
        let program = try CELProgram(source, environment: environment)
        let traced = program.trace(variables).result
        do throws(CELError) {
            let value = try program.evaluate(variables)
            #expect(try traced.get() == value)
        } catch {
            guard case .failure(let found) = traced else {
                Issue.record("\(source): \(traced) instead of \(error)")
                return
            }
            #expect(found.code == error.code)
        }
    }
}
