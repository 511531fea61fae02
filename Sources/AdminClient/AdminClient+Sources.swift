public import Encodings

extension AdminClient {
    /// Makes these documents all policies of a source, as far as each is in order; nobody else's are touched.
    ///
    /// - Parameters:
    ///   - source: the source's name.
    ///   - fence: the number of the leader who sends; a later one has a higher number.
    ///   - sequence: the number of the request, bigger than that of every earlier one of this leader.
    ///   - dryRun: only judges.
    /// - Returns: what became, or would become, of each document.
    /// - Throws: `AdminClientError`: `conflict` when a later leader wrote for the source (``AdminClientError/isFenced``) or
    ///   this one sent something later,
    ///   `denied` for a source that the broker, or the token's role, does not allow.
    public func setSourcePolicies(
        source: String, fence: Int64, sequence: Int64? = nil, documents: [SourcePolicy], dryRun: Bool = false
    ) async throws(AdminClientError) -> SourceOutcome {
        let list = documents.map { document -> JSONValue in
            var object: JSONObject = ["text": .string(document.text)]
            if let uid = document.uid { object["uid"] = .string(uid) }
            if let generation = document.generation { object["generation"] = .int(generation) }
            return .object(object)
        }
        var body: JSONObject = ["fence": .int(fence), "documents": .array(list)]
        body["sequence"] = sequence.map { .int($0) }
        let target = try RequestTarget("/claviger/v1/sources").appending(source).appending("policies")
        let answer = try await json(
            "PUT", target.asking("dryRun", dryRun ? "true" : nil), body: body.serialized(),
            contentType: "application/json")
        guard let outcome = SourceOutcome(answer) else {
            throw AdminClientError(.unexpected, "the broker's answer says nothing about the source's documents")
        }
        return outcome
    }
}

extension AdminClient {
    /// Forgets a source with its fence, and removes its documents.
    ///
    /// - Throws: `AdminClientError`, `not_found` when there is none.
    public func deleteSource(_ source: String) async throws(AdminClientError) {
        _ = try await send("DELETE", RequestTarget("/claviger/v1/sources").appending(source))
    }
}

extension AdminClientError {
    /// Whether somebody with a higher fence wrote: whoever gets this is not the leader any more.
    public var isFenced: Bool { code == .conflict && type == "Fenced" }
}

/// One object of a source, as a policy document.
public struct SourcePolicy: Sendable, Hashable {
    /// The document, YAML or JSON.
    public var text: String
    /// Tells an object from another one that later had its name.
    public var uid: String?
    /// The object's own counter of changes; it comes back in the answer.
    public var generation: Int64?

    /// A document of an object.
    public init(text: String, uid: String? = nil, generation: Int64? = nil) {
        self.text = text
        self.uid = uid
        self.generation = generation
    }
}

/// What became of a source's documents.
public struct SourceOutcome: Sendable, Hashable {
    /// What became of one of them.
    public struct Document: Sendable, Hashable {
        /// The whole answer about it.
        public let json: JSONObject

        /// The kind; nil when the text says none.
        public var kind: String? { json["kind"]?.stringValue }
        /// The namespace; nil for documents of the whole cluster.
        public var namespace: String? { json["namespace"]?.stringValue }
        /// The name; nil when the text says none.
        public var name: String? { json["name"]?.stringValue }
        /// The object, as the request named it.
        public var uid: String? { json["uid"]?.stringValue }
        /// The object's counter, as the request gave it.
        public var generation: Int64? { json["generation"]?.intValue }
        /// Whether this document is in force.
        public var isAccepted: Bool { json["accepted"] == true }
        /// Whether it is a valid policy, also together with the others.
        public var isCompiled: Bool { json["compiled"] == true }
        /// `created`, `changed`, `unchanged` or `refused`.
        public var change: String { json["change"]?.stringValue ?? "" }
        /// SHA-256 (hex) of its canonical JSON; nil when it could not be read.
        public var digest: String? { json["digest"]?.stringValue }
        /// The digest of the version that is in force: this one or, when it is refused, a former one; nil for none.
        public var inForce: String? { json["inForce"]?.stringValue }
        /// Why it is refused, as a stable word; nil when it is not.
        public var code: String? { json["code"]?.stringValue }
        /// Why it is refused, as a sentence.
        public var message: String? { json["message"]?.stringValue }
        /// What is wrong in the text: `severity`, `code`, `line`, `column`, `path`, `message` and `hint` each.
        public var diagnostics: [JSONObject] { (json["diagnostics"]?.arrayValue ?? []).compactMap(\.objectValue) }
        /// Policies because of which this one never matters.
        public var shadowedBy: [String] { Self.texts(json["shadowedBy"]) }
        /// Reference values that it asks for and that do not count at present.
        public var unresolvedReferences: [String] { Self.texts(json["unresolvedReferences"]) }
        /// How many stored resources it is about, of the first 250 that were looked at for each pattern, and some minutes old
        /// at most; nil for other kinds and unknown.
        public var matchesResources: Int? { json["matchesResources"]?.intValue.map { Int($0) } }

        private static func texts(_ value: JSONValue?) -> [String] {
            (value?.arrayValue ?? []).compactMap(\.stringValue)
        }
    }

    /// The generation of policies that holds them: a broker at this or a later one decides by them.
    public let generation: Int64
    /// The digest of all policies of that generation.
    public let bundleDigest: String
    /// The documents in the order of the request.
    public let documents: [Document]
    /// Identifiers of documents that the source no longer has.
    public let removed: [String]
    /// Whether nothing was removed because a document could not be told apart.
    public let withholdsRemovals: Bool

    init?(_ answer: JSONValue) {
        guard let generation = answer["generation"]?.intValue, let digest = answer["bundleDigest"]?.stringValue,
            let list = answer["documents"]?.arrayValue
        else { return nil }
        self.generation = generation
        bundleDigest = digest
        documents = list.compactMap { $0.objectValue.map(Document.init) }
        removed = (answer["removed"]?.arrayValue ?? []).compactMap(\.stringValue)
        withholdsRemovals = answer["removalsWithheld"] == true
    }
}
