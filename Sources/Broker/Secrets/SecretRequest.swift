import Crypto
public import Encodings
import KBSProtocol
import Policy
import Storage

/// What a source wants a brokered secret to be.
public struct SecretRequest: Sendable {
    /// The largest value that is taken over from a Secret, in bytes.
    public static let maximumValueBytes = 1_048_576

    /// Who speaks, for instance a cluster.
    public var source: String
    /// The object's namespace, which is the resource's repository.
    public var namespace: String
    /// The object's name.
    public var name: String
    /// Never falls: the broker refuses one that is smaller than the last it saw of the source.
    public var fence: Int64
    /// The object's identity, which no other object ever has.
    public var uid: String
    /// Rises with each change of what the object says.
    public var generation: Int64
    /// The `spec` of the object.
    public var spec: JSONValue
    /// The value, when the object says `secretRef`.
    public var value: SecretBytes?
    /// Grows with each request of a leader about the object; nil from a sender who does not count.
    public var sequence: Int64?

    /// A request.
    public init(
        source: String, namespace: String, name: String, fence: Int64, uid: String, generation: Int64,
        spec: JSONValue, value: SecretBytes? = nil, sequence: Int64? = nil
    ) {
        self.source = source
        self.namespace = namespace
        self.name = name
        self.fence = fence
        self.uid = uid
        self.generation = generation
        self.spec = spec
        self.value = value
        self.sequence = sequence
    }

    var number: SourceRequestNumber? {
        sequence.map { SourceRequestNumber(subject: "\(namespace)/\(name)", fence: fence, sequence: $0) }
    }
}

/// That an object is gone, or that its source lets go of it.
public struct SecretRemoval: Sendable {
    /// Who speaks.
    public var source: String
    /// The object's namespace.
    public var namespace: String
    /// The object's name.
    public var name: String
    /// As in ``SecretRequest/fence``.
    public var fence: Int64
    /// The object's identity.
    public var uid: String
    /// `Retain` or `Delete`; by default what the object said last.
    public var deletionPolicy: String?
    /// As in ``SecretRequest/sequence``.
    public var sequence: Int64?

    /// A removal.
    public init(
        source: String, namespace: String, name: String, fence: Int64, uid: String, deletionPolicy: String? = nil,
        sequence: Int64? = nil
    ) {
        self.source = source
        self.namespace = namespace
        self.name = name
        self.fence = fence
        self.uid = uid
        self.deletionPolicy = deletionPolicy
        self.sequence = sequence
    }

    var number: SourceRequestNumber? {
        sequence.map { SourceRequestNumber(subject: "\(namespace)/\(name)", fence: fence, sequence: $0) }
    }
}

/// A request that was read, and can be carried out if nobody else has rights to the resource.
struct WantedSecret: Sendable {
    let request: SecretRequest
    let spec: BrokeredSecretSpec
    let path: ResourcePath

    init(_ request: SecretRequest) throws(BrokerError) {
        try SecretSource.check(source: request.source, uid: request.uid, fence: request.fence)
        guard request.generation >= 0 else {
            throw .secretRefused("invalid_generation", "A generation is not negative")
        }
        let document: JSONValue = [
            "apiVersion": .string(PolicyDocument.apiVersion),
            "kind": .string(ResourceKind.brokeredSecret.rawValue),
            "metadata": ["name": .string(request.name), "namespace": .string(request.namespace)],
            "spec": request.spec,
        ]
        let read: [ResourceDocument]
        do throws(PolicyError) {
            read = try ResourceParser.parse(document.serializedString(), source: "request")
        } catch {
            throw .secretRefused("invalid_spec", error.diagnostics.prefix(8).map(Self.sentence).joined(separator: "; "))
        }
        guard read.count == 1, case .brokeredSecret(let spec)? = read.first?.spec else {
            throw .secretRefused("invalid_spec", "The spec is none of a BrokeredSecret")
        }
        self.request = request
        self.spec = spec
        do throws(KBSProtocolError) {
            path = try ResourcePath(segments: [request.namespace, spec.path.type, spec.path.tag])
        } catch {
            throw .secretRefused("invalid_path", error.message)
        }
        try checkValue()
    }

    private func checkValue() throws(BrokerError) {
        guard case .secretRef = spec.origin else {
            guard request.value == nil else {
                throw .secretRefused("unwanted_value", "Only a secret with `secretRef` comes with a value")
            }
            return
        }
        guard let value = request.value else {
            throw .secretRefused("value_missing", "A secret with `secretRef` comes with a value")
        }
        guard value.count <= SecretRequest.maximumValueBytes else {
            throw BrokerError(
                kind: .tooLarge, variant: "SecretError", code: "value_too_large",
                message: "A value has at most \(SecretRequest.maximumValueBytes) bytes")
        }
    }

    private static func sentence(_ diagnostic: PolicyDiagnostic) -> String {
        "\(diagnostic.path): \(diagnostic.message)"
    }

    /// Which Secret the value comes from, and which of its members; empty for other origins.
    var reference: String {
        guard case .secretRef(let secret) = spec.origin else { return "" }
        return Hex.encode(Array(SHA256.hash(data: Array("\(secret.name)/\(secret.key)".utf8))))
    }

    var originName: String {
        switch spec.origin {
        case .generate: "generate"
        case .sealed: "sealed"
        case .secretRef: "secretRef"
        }
    }
}

/// What a source says of itself and its objects.
enum SecretSource {
    static func check(source: String, uid: String, fence: Int64) throws(BrokerError) {
        guard PolicySourceConfiguration.isName(source) else {
            throw .secretRefused(
                "invalid_source",
                "A source's name has lowercase letters, digits, '-' and '.', with a letter or digit at both ends")
        }
        guard (1...128).contains(uid.utf8.count), uid.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .secretRefused("invalid_uid", "A uid has 1 to 128 printable characters")
        }
        guard fence >= 0 else { throw .secretRefused("invalid_fence", "A fence is not negative") }
    }
}

extension BrokerError {
    static func secretRefused(_ code: String, _ message: String) -> BrokerError {
        BrokerError(kind: .malformed, variant: "SecretError", code: code, message: "\(message) (code: \(code))")
    }

    static func secretConflict(_ code: String, _ message: String) -> BrokerError {
        BrokerError(kind: .conflict, variant: "SecretConflict", code: code, message: "\(message) (code: \(code))")
    }

    static let secretOvertaken = secretConflict(
        "overtaken", "The secret was changed while this request waited; send it anew")

    static let fenced = BrokerError(
        kind: .conflict, variant: "Fenced", code: "fenced",
        message: "A newer writer has spoken for this source (code: fenced)")
}
