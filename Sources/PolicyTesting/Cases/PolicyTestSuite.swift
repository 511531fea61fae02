public import Encodings
public import FoundationEssentials
public import Policy
public import RATS

/// A document of the kind `PolicyTest`: policies, and cases that say what they must decide.
public struct PolicyTestSuite: Sendable {
    /// The kind that the document must name.
    public static let kind = "PolicyTest"
    /// How names of such files end; folders of policies may hold them beside the policies.
    public static let fileSuffixes = [".test.yaml", ".test.yml"]

    /// The document's name.
    public let name: String
    /// Where the text came from.
    public let source: String
    /// Line of the source on which the document begins.
    public let line: Int
    /// The files and folders of policies that are tested, relative to the folder of the test.
    public let policies: [String]
    /// The cases, in the order of the text.
    public let cases: [PolicyTestCase]

    /// Whether a file of this name holds tests and no policies.
    public static func isTest(fileName: String) -> Bool {
        fileSuffixes.contains { fileName.hasSuffix($0) }
    }
}

/// One situation and what must come of it; defaults and named evidence are already filled in.
public struct PolicyTestCase: Sendable {
    /// What the attestation is made of.
    public enum Subject: Sendable {
        /// Claims that the appraisal policies are to grade.
        case evidence([AppraisalInput])
        /// Claims of a token (EAR), whose grades are taken as they are.
        case token(JSONObject)
    }

    /// A request for a resource.
    public struct Request: Sendable, Hashable {
        /// The operation.
        public let operation: String
        /// The plugin.
        public let plugin: String
        /// The path within the plugin, segment by segment.
        public let path: [String]
        /// The query.
        public let query: [String: String]

        /// A request from its parts.
        public init(operation: String, plugin: String, path: [String], query: [String: String]) {
            self.operation = operation
            self.plugin = plugin
            self.path = path
            self.query = query
        }
    }

    /// What the case is about, in words.
    public let name: String
    /// Line of the source on which it begins.
    public let line: Int
    /// Who attests.
    public let subject: Subject
    /// The time of the case.
    public let now: Date
    /// How long ago the guest attested, in seconds.
    public let age: Int64
    /// The KBS protocol version that it attested with.
    public let protocolVersion: String?
    /// Who issued the attestation result.
    public let issuer: String
    /// The registered reference values.
    public let referenceValues: ReferenceValues
    /// What is asked for; without it only the appraisal is looked at.
    public let request: Request?
    /// What must come of it.
    public let expectation: PolicyTestExpectation
}

/// What a case expects; what is `nil` or absent is not compared.
public struct PolicyTestExpectation: Sendable, Hashable {
    /// A grade: exactly this number, or any of this tier.
    public enum Grade: Sendable, Hashable {
        /// This number.
        case value(Int8)
        /// Any number of this tier.
        case tier(TrustTier)
    }

    /// What is expected of one submodule.
    public struct Submodule: Sendable, Hashable {
        /// Its status.
        public var status: TrustTier?
        /// Its grades.
        public var trust: [TrustClaim: Grade] = [:]
        /// Members that the appraisal policy added, by name.
        public var extensions = JSONObject()

        var isEmpty: Bool { status == nil && trust.isEmpty && extensions.isEmpty }
    }

    /// Whether the release is allowed.
    public var allowed: Bool?
    /// The code of the reason.
    public var reason: String?
    /// The policy that allowed, objected, or came nearest.
    public var policy: String?
    /// Texts that the explanation must contain.
    public var explanations: [String] = []
    /// What is expected of the appraisals, by submodule.
    public var submodules: [String: Submodule] = [:]

    var concernsDecision: Bool {
        allowed != nil || reason != nil || policy != nil || !explanations.isEmpty
    }
}
