import Encodings

/// What an API server asks an admission webhook (`AdmissionReview` of `admission.k8s.io/v1`).
struct AdmissionRequest: Sendable {
    /// What is about to happen to the object.
    enum Operation: String, Sendable, Hashable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
        case connect = "CONNECT"
    }

    static let apiVersion = "admission.k8s.io/v1"
    /// A stored object has 1.5 MiB at most; a review has two of them, in a form that may be longer.
    /// Each of its values takes memory, however short it is.
    static let limits = JSONLimits(maximumBytes: 8_388_608, maximumDepth: 128, maximumValues: 200_000)

    /// What the answer has to name.
    let uid: String
    let group: String
    let version: String
    let kind: String
    let resource: String
    /// Empty for the object itself.
    let subresource: String
    let name: String
    /// Nil for what lies in none.
    let namespace: String?
    let operation: Operation
    /// The object as it would be stored; nil for a deletion.
    let object: JSONObject?
    /// The object as it is stored; nil for a creation.
    let oldObject: JSONObject?

    /// Reads the body of a request.
    init(_ body: [UInt8]) throws(AdmissionReviewError) {
        let review: JSONObject
        do throws(JSONError) {
            review = try JSONObject(parsing: body, limits: Self.limits)
        } catch {
            throw .malformed("it is no JSON that is read here: \(error.message)")
        }
        try self.init(review)
    }

    private init(_ review: JSONObject) throws(AdmissionReviewError) {
        guard review["kind"]?.stringValue == "AdmissionReview" else { throw .malformed("its kind is another") }
        guard let version = review["apiVersion"]?.stringValue, version == Self.apiVersion else {
            throw AdmissionReviewError(
                code: "unknown_version",
                message: "Only \(Self.apiVersion) is understood: set admissionReviewVersions to [v1].")
        }
        guard let request = review["request"]?.objectValue else { throw .malformed("it asks nothing") }
        guard let uid = request["uid"]?.stringValue, (1...128).contains(uid.utf8.count) else {
            throw .malformed("request.uid is missing or too long")
        }
        guard let operation = request["operation"]?.stringValue.flatMap(Operation.init) else {
            throw .malformed("request.operation is none")
        }
        let kind = try Self.words(request, "kind", ["group", "version", "kind"])
        let resource = try Self.words(request, "resource", ["group", "version", "resource"])
        self.uid = uid
        (group, self.version, self.kind) = (kind[0], kind[1], kind[2])
        self.resource = resource[2]
        subresource = try Self.text(request, "subResource")
        name = try Self.text(request, "name")
        let namespace = try Self.text(request, "namespace")
        self.namespace = namespace.isEmpty ? nil : namespace
        self.operation = operation
        object = try Self.object(request, "object")
        oldObject = try Self.object(request, "oldObject")
    }

    private static func words(
        _ request: JSONObject, _ member: String, _ names: [String]
    ) throws(AdmissionReviewError) -> [String] {
        guard let object = request[member]?.objectValue else { throw .malformed("request.\(member) is missing") }
        return try names.map { (name) throws(AdmissionReviewError) in try text(object, name) }
    }

    /// A text that is empty when it is not there.
    private static func text(_ object: JSONObject, _ member: String) throws(AdmissionReviewError) -> String {
        guard let value = object[member] else { return "" }
        guard let text = value.stringValue, text.utf8.count <= 1_024 else {
            throw .malformed("\(member) is no text, or too long")
        }
        return text
    }

    private static func object(_ request: JSONObject, _ member: String) throws(AdmissionReviewError) -> JSONObject? {
        guard let value = request[member], !value.isNull else { return nil }
        guard let object = value.objectValue else { throw .malformed("request.\(member) is no object") }
        return object
    }
}

/// Why a review cannot be answered with a review.
struct AdmissionReviewError: Error, Sendable, Hashable {
    /// `malformed` or `unknown_version`.
    let code: String
    /// A sentence for whoever configured the webhook.
    let message: String

    static func malformed(_ reason: String) -> AdmissionReviewError {
        AdmissionReviewError(code: "malformed", message: "This is no AdmissionReview that can be answered: \(reason).")
    }
}
