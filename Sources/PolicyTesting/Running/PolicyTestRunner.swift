import Encodings
import FoundationEssentials
import Policy
import RATS

/// Runs the cases of a test against policies, the way a broker would appraise and decide.
public struct PolicyTestRunner: Sendable {
    private let suite: PolicyTestSuite
    private let documents: [PolicyDocument]

    /// A runner of the cases of `suite` over the policies that it names, read by the caller.
    public init(_ suite: PolicyTestSuite, documents: [PolicyDocument]) {
        self.suite = suite
        self.documents = documents
    }

    /// Runs every case.
    ///
    /// Throws `PolicyError` when the policies do not make a bundle, with the reference values of some case.
    public func run() throws(PolicyError) -> PolicyTestReport {
        var bundles: [ReferenceValues: PolicyBundle] = [:]
        var coverage = PolicyCoverage(documents)
        var results: [PolicyTestResult] = []
        for test in suite.cases {
            let bundle: PolicyBundle
            if let known = bundles[test.referenceValues] {
                bundle = known
            } else {
                bundle = try PolicyBundle(documents, registered: test.referenceValues)
                bundles[test.referenceValues] = bundle
            }
            let started = ContinuousClock.now
            let outcome = CaseOutcome(test, bundle)
            coverage.note(outcome.appraisalTraces)
            if let decision = outcome.decision { coverage.note(decision.trace) }
            results.append(
                PolicyTestResult(
                    name: test.name, line: test.line, differences: outcome.differences(from: test.expectation),
                    findings: outcome.failedConditions, duration: ContinuousClock.now - started))
        }
        return PolicyTestReport(suite: suite.name, source: suite.source, results: results, coverage: coverage)
    }
}

/// What came of the cases of one document.
public struct PolicyTestReport: Sendable {
    /// The document's name.
    public let suite: String
    /// Where its text came from.
    public let source: String
    /// One result for each case, in order.
    public let results: [PolicyTestResult]
    /// What the cases made the policies evaluate.
    public let coverage: PolicyCoverage

    /// The results of cases that did not come out as expected.
    public var failures: [PolicyTestResult] { results.filter { !$0.passed } }
}

/// What came of one case.
public struct PolicyTestResult: Sendable {
    /// Something that is not as it was expected.
    public struct Difference: Sendable, Hashable {
        /// The field of `expect`, such as `verdict` or `submods.gpu0.status`.
        public let field: String
        /// What was expected.
        public let expected: String
        /// What it was.
        public let actual: String
    }

    /// The name of the case.
    public let name: String
    /// Line of the source on which it begins.
    public let line: Int
    /// Everything that is not as expected.
    public let differences: [Difference]
    /// For people: the conditions that did not hold, required against measured, or who allowed.
    public let findings: [String]
    /// How long it took.
    public let duration: Duration

    /// Whether everything was as expected.
    public var passed: Bool { differences.isEmpty }
}
