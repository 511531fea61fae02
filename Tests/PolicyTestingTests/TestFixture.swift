import Foundation
import Policy

@testable import PolicyTesting

/// Small policies and tests of them.
enum TestFixture {
    static let now = Date(timeIntervalSince1970: 1_767_225_600)

    static let appraisal = """
        apiVersion: claviger.dev/v1alpha1
        kind: AppraisalPolicy
        metadata: {name: default-cpu}
        spec:
          class: cpu
          defaults: {executables: 33, hardware: 97}
          rules:
            - {tee: snp, claim: executables, value: 3, when: ["claims.measurement in reference('measurements')"]}
            - {tee: snp, claim: hardware, value: 2, when: []}
        """

    static let release = """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: keys, namespace: payments}
        spec:
          match: {resources: ["payments/image-key/*"]}
          require:
            trust: {executables: affirming}
            maxEvidenceAge: 10m
          validations:
            - expression: "claims.snp.policy_debug_allowed == false"
              message: "no debug guests"
        """

    /// A test document with these cases, indented by four spaces.
    static func suite(_ cases: String, spec: String = "") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: PolicyTest
        metadata: {name: keys}
        spec:
          policies: ["keys.yaml"]
          referenceValues: {measurements: ["aa"]}
          evidence:
            good:
              - {tee: snp, claims: {measurement: "aa", policy_debug_allowed: false}}
          defaults:
            evidence: good
            request: {resource: payments/image-key/app}
        \(spec)  cases:
        \(cases)
        """
    }

    static func documents(_ texts: String...) throws -> [PolicyDocument] {
        try PolicyParser.parse(texts.joined(separator: "\n---\n"), source: "keys.yaml")
    }

    static func run(_ cases: String, documents: [PolicyDocument]? = nil) throws -> PolicyTestReport {
        let suites = try PolicyTestSuite.read(suite(cases), source: "keys.test.yaml")
        return try PolicyTestRunner(suites[0], documents: documents ?? self.documents(appraisal, release)).run()
    }

    static func diagnostics(_ text: String) -> [PolicyDiagnostic] {
        do throws(PolicyError) {
            _ = try PolicyTestSuite.read(text, source: "keys.test.yaml")
            return []
        } catch {
            return error.diagnostics
        }
    }

    static func lint(
        _ texts: String..., beside: [PolicyDocument] = [], registered: [PolicyLint.RegisteredValue]? = nil,
        resources: [String] = []
    ) throws -> [PolicyDiagnostic] {
        let documents = try PolicyParser.parse(texts.joined(separator: "\n---\n"), source: "policy.yaml")
        let expected = resources.enumerated().map {
            PolicyLint.Resource(path: $1, source: "resources.txt", line: $0 + 1)
        }
        return PolicyLint(documents, beside: beside, registered: registered, resources: expected, now: now).findings()
    }

    static func releasePolicy(_ name: String, _ spec: String, namespace: String = "payments") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: \(name), namespace: \(namespace)}
        spec:
        \(spec)
        """
    }

    static func clusterPolicy(_ name: String, _ spec: String) -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata: {name: \(name)}
        spec:
        \(spec)
        """
    }
}
