import Encodings
import PolicyTesting

/// Test results for people and programs.
struct PolicyTestText {
    let reports: [PolicyTestReport]
    let coverage: PolicyCoverage

    func text(showingCoverage: Bool) -> String {
        var lines: [String] = []
        for report in reports {
            lines.append("\(report.source): \(report.suite)")
            for result in report.results { lines += Self.lines(result, in: report.source) }
        }
        if showingCoverage { lines += [""] + coverageLines }
        let results = reports.flatMap(\.results)
        let failed = results.filter { !$0.passed }.count
        lines.append("")
        lines.append(
            "\(results.count) cases, \(results.count - failed) passed, \(failed) failed; \(coverage.percent) % covered")
        return lines.map(Terminal.printable).joined(separator: "\n")
    }

    private static func lines(_ result: PolicyTestResult, in source: String) -> [String] {
        guard !result.passed else { return ["  ✓ \(result.name)"] }
        var lines = ["  ✗ \(result.name)", "      \(source):\(result.line)"]
        for difference in result.differences {
            lines.append("      \(difference.field): expected \(difference.expected), got \(difference.actual)")
        }
        return lines + result.findings.map { "      because \($0)" }
    }

    private var coverageLines: [String] {
        coverage.documents.flatMap { document in
            let gaps = document.conditions.compactMap { condition in
                condition.gap.map {
                    "  \(document.source):\(condition.line): \(condition.path) \($0): \(condition.text)"
                }
            }
            return ["\(document.identifier): \(document.seenOutcomes) of \(document.outcomes) outcomes seen"] + gaps
        }
    }

    func json() -> JSONValue {
        let results = reports.flatMap(\.results)
        return [
            "passed": .int(Int64(results.filter(\.passed).count)),
            "failed": .int(Int64(results.filter { !$0.passed }.count)),
            "tests": .array(reports.map(Self.json)),
            "coverage": [
                "percent": .int(Int64(coverage.percent)), "policies": .array(coverage.documents.map(Self.json)),
            ],
        ]
    }

    private static func json(_ report: PolicyTestReport) -> JSONValue {
        [
            "name": .string(report.suite), "source": .string(report.source),
            "cases": .array(
                report.results.map { result in
                    [
                        "name": .string(result.name), "line": .int(Int64(result.line)), "passed": .bool(result.passed),
                        "differences": .array(
                            result.differences.map {
                                [
                                    "field": .string($0.field), "expected": .string($0.expected),
                                    "actual": .string($0.actual),
                                ]
                            }),
                        "findings": .array(result.findings.map { .string($0) }),
                    ]
                }),
        ]
    }

    private static func json(_ document: PolicyCoverage.Document) -> JSONValue {
        [
            "policy": .string(document.identifier), "source": .string(document.source),
            "outcomes": .int(Int64(document.outcomes)), "seen": .int(Int64(document.seenOutcomes)),
            "conditions": .array(
                document.conditions.map { condition in
                    [
                        "path": .string(condition.path), "line": .int(Int64(condition.line)),
                        "text": .string(condition.text), "met": .int(Int64(condition.met)),
                        "notMet": .int(Int64(condition.notMet)), "failed": .int(Int64(condition.failed)),
                    ]
                }),
        ]
    }
}
