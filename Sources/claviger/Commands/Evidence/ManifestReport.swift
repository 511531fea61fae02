import Encodings
import RecordedEvidence

/// What came of a manifest, for people and for programs.
struct ManifestReport {
    let results: [EntryResult]

    var differing: Int { count(.differs) }

    private func count(_ outcome: EntryResult.Outcome) -> Int { results.count { $0.outcome == outcome } }

    func json() -> JSONValue {
        [
            "entries": .array(results.map(Self.json)), "agree": .int(Int64(count(.agrees))),
            "differ": .int(Int64(differing)), "notCovered": .int(Int64(count(.notCovered))),
            "comparedFacts": .int(Int64(comparedFacts)),
        ]
    }

    private static func json(_ result: EntryResult) -> JSONValue {
        [
            "name": .string(result.entry.name), "outcome": .string(result.outcome.rawValue),
            "expected": .string(result.entry.expectation.rawValue), "verdict": .string(result.verdict),
            "comparedFacts": .int(Int64(result.comparedFacts)),
            "differences": .array(result.differences.map(JSONValue.string)),
            "gaps": .array(result.gaps.map(JSONValue.string)),
        ]
    }

    private var comparedFacts: Int { results.reduce(0) { $0 + $1.comparedFacts } }

    func text() -> String {
        var text = ""
        for result in results {
            let facts = result.comparedFacts > 0 ? ", \(result.comparedFacts) facts" : ""
            let line =
                "\(result.outcome.rawValue)  \(result.entry.name)  "
                + "expected \(result.entry.expectation.rawValue): \(result.verdict)\(facts)"
            text += line.printable + "\n"
            for difference in result.differences { text += "     ! \(difference.printable)\n" }
            for gap in result.gaps { text += "     - \(gap.printable)\n" }
        }
        return text
            + "\(results.count) entries: \(count(.agrees)) as expected, \(differing) differ, "
            + "\(count(.notCovered)) not covered; \(comparedFacts) facts compared\n"
    }
}
