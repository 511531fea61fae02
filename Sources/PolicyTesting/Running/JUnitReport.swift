import Policy

/// Test results as JUnit XML, which CI systems read.
public struct JUnitReport: Sendable {
    private let reports: [PolicyTestReport]

    /// A report over the cases of all these documents.
    public init(_ reports: [PolicyTestReport]) {
        self.reports = reports
    }

    /// The XML document.
    public func text() -> String {
        let cases = reports.flatMap(\.results)
        var lines = [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<testsuites name=\"claviger policy test\"\(Self.counts(cases))>",
        ]
        for report in reports {
            lines.append("  <testsuite name=\"\(Self.escaped(report.suite))\"\(Self.counts(report.results))>")
            for result in report.results { lines += Self.element(result, report) }
            lines.append("  </testsuite>")
        }
        return (lines + ["</testsuites>", ""]).joined(separator: "\n")
    }

    private static func counts(_ results: [PolicyTestResult]) -> String {
        let seconds = seconds(results.reduce(.zero) { $0 + $1.duration })
        let failures = results.filter { !$0.passed }.count
        return " tests=\"\(results.count)\" failures=\"\(failures)\" errors=\"0\" time=\"\(seconds)\""
    }

    private static func element(_ result: PolicyTestResult, _ report: PolicyTestReport) -> [String] {
        let attributes =
            "name=\"\(escaped(result.name))\" classname=\"\(escaped(report.suite))\" file=\"\(escaped(report.source))\""
            + " line=\"\(result.line)\" time=\"\(seconds(result.duration))\""
        guard !result.passed else { return ["    <testcase \(attributes)/>"] }
        let sentences = result.differences.map { "\($0.field): expected \($0.expected), got \($0.actual)" }
        return [
            "    <testcase \(attributes)>",
            "      <failure message=\"\(escaped(sentences.joined(separator: "; ")))\">"
                + escaped((sentences + result.findings).joined(separator: "\n")) + "</failure>",
            "    </testcase>",
        ]
    }

    /// Seconds with six decimals.
    private static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let digits = String(attoseconds / 1_000_000_000_000)
        return "\(seconds)." + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    /// The text as content or attribute value; characters that XML 1.0 cannot carry become "?".
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\n": result += "&#10;"
            case "\t", "\u{20}"..."\u{7E}", "\u{85}", "\u{A0}"..."\u{D7FF}", "\u{E000}"..."\u{FFFD}",
                "\u{10000}"..."\u{10FFFF}":
                result.unicodeScalars.append(scalar)
            default: result += "?"
            }
        }
        return result
    }
}
