public import Encodings
import HTTPTransport
public import Logging
import Synchronization

/// A client of one API server.
///
/// Answers of any size up to a limit and events of watches go through a strict JSON reader. Credentials in files are read
/// again as they are renewed; a request that the server refuses with 401, or whose server is no longer trusted, is sent once
/// more if that gave anything new. Nothing else is retried.
public final class KubernetesClient: KubernetesAPI {
    /// What the client was made from.
    public let configuration: KubernetesConfiguration
    private let environment: RuntimeEnvironment
    private let access: ServerAccess
    private let limiter: Mutex<TokenBucket>
    private let electionLimiter: Mutex<TokenBucket>

    /// A client; nothing is sent yet.
    ///
    /// - Throws: `configuration` when credentials or certificates cannot be read.
    public init(
        _ configuration: KubernetesConfiguration, environment: RuntimeEnvironment = .system,
        logger: Logger = Logger(label: "claviger.kubernetes")
    ) throws(KubernetesError) {
        self.configuration = configuration
        self.environment = environment
        access = try ServerAccess(configuration, environment, logger)
        let perSecond = max(1, configuration.requestsPerSecond)
        let bucket = TokenBucket(burst: max(1, configuration.burst), interval: .seconds(1) / perSecond)
        limiter = Mutex(bucket)
        electionLimiter = Mutex(bucket)
    }

    /// One object.
    public func get(
        _ resource: APIResource, namespace: String?, name: String
    ) async throws(KubernetesError) -> KubernetesObject {
        try await object(APICall("GET", resource.checkedPath(namespace: namespace, name: name)))
    }

    /// One page of a collection.
    public func list(
        _ resource: APIResource, namespace: String?, _ options: ListOptions
    ) async throws(KubernetesError) -> ObjectList {
        let path = try resource.checkedPath(namespace: namespace, needsNamespace: false)
        let call = APICall("GET", path)
            .asking("labelSelector", options.labelSelector).asking("fieldSelector", options.fieldSelector)
            .asking("limit", options.limit.map(String.init)).asking("continue", options.continueToken)
            .asking("resourceVersion", options.resourceVersion)
            .asking("resourceVersionMatch", options.resourceVersionMatch?.rawValue)
        let response = try await send(options.metadataOnly ? call.metadataOnly("PartialObjectMetadataList") : call)
        return try AnswerReader.page(response, of: resource, metadataOnly: options.metadataOnly)
    }

    /// Creates the object.
    public func create(
        _ object: KubernetesObject, in resource: APIResource
    ) async throws(KubernetesError) -> KubernetesObject {
        let path = try resource.checkedPath(namespace: object.namespace)
        return try await self.object(
            APICall("POST", path).asking("fieldValidation", "Strict").sending(object.json))
    }

    /// Replaces the object or its subresource.
    public func replace(
        _ object: KubernetesObject, in resource: APIResource, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        let path = try resource.checkedPath(namespace: object.namespace, name: object.name, subresource: subresource)
        return try await self.object(APICall("PUT", path).asking("fieldValidation", "Strict").sending(object.json))
    }

    /// Applies the object's fields.
    public func apply(
        _ object: KubernetesObject, to resource: APIResource, fieldManager: String, force: Bool, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        let path = try resource.checkedPath(namespace: object.namespace, name: object.name, subresource: subresource)
        let call = APICall("PATCH", path).asking("fieldManager", fieldManager).asking("force", force ? "true" : "false")
            .asking("fieldValidation", "Strict")
        // JSON is YAML, and this type is known to servers of every version.
        return try await self.object(call.sending(object.json, as: "application/apply-patch+yaml"))
    }

    /// Merges into the object.
    public func mergePatch(
        _ patch: JSONObject, to resource: APIResource, namespace: String?, name: String, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        let path = try resource.checkedPath(namespace: namespace, name: name, subresource: subresource)
        let call = APICall("PATCH", path).asking("fieldValidation", "Strict")
        return try await object(call.sending(patch, as: "application/merge-patch+json"))
    }

    /// Asks for the object's deletion.
    public func delete(
        _ resource: APIResource, namespace: String?, name: String, preconditions: DeletePreconditions?
    ) async throws(KubernetesError) {
        var call = APICall("DELETE", try resource.checkedPath(namespace: namespace, name: name))
        if let preconditions {
            var demanded: JSONObject = [:]
            demanded["uid"] = preconditions.uid.map { .string($0) }
            demanded["resourceVersion"] = preconditions.resourceVersion.map { .string($0) }
            call = call.sending(["apiVersion": "v1", "kind": "DeleteOptions", "preconditions": .object(demanded)])
        }
        try AnswerReader.refuseFailure(try await send(call))
    }

    /// The server's version.
    public func version() async throws(KubernetesError) -> ServerVersion {
        try ServerVersion(AnswerReader.json(try await send(APICall("GET", "/version"))))
    }

    private func object(_ call: APICall) async throws(KubernetesError) -> KubernetesObject {
        try AnswerReader.object(try await send(call))
    }

    private func send(_ call: APICall) async throws(KubernetesError) -> HTTPResponse {
        try await authorized(call, status: \.status) { (session, request) throws(HTTPTransportError) in
            try await session.requests.send(request)
        }
    }

    /// What happens to a collection.
    public func watch(
        _ resource: APIResource, namespace: String?, _ options: WatchOptions
    ) async throws(KubernetesError) -> WatchStream {
        let path = try resource.checkedPath(namespace: namespace, needsNamespace: false)
        let seconds = options.timeoutSeconds ?? drawnWatchSeconds()
        let call = APICall("GET", path).asking("watch", "true")
            .asking("allowWatchBookmarks", options.allowBookmarks ? "true" : nil)
            .asking("timeoutSeconds", String(seconds))
            .asking("labelSelector", options.labelSelector).asking("fieldSelector", options.fieldSelector)
            .asking("resourceVersion", options.resourceVersion)
            .asking("sendInitialEvents", options.sendInitialEvents ? "true" : nil)
            .asking("resourceVersionMatch", options.sendInitialEvents ? "NotOlderThan" : nil)
        let (idleLimit, sleep) = (configuration.watchIdleLimit, environment.sleep)
        let response = try await authorized(
            options.metadataOnly ? call.metadataOnly("PartialObjectMetadata") : call, status: \.head.status
        ) { (session, request) throws(HTTPTransportError) in
            try await session.watches.stream(request, idleLimit: idleLimit) { try await sleep($0) }
        }
        guard response.head.status == 200 else { throw await refusal(response) }
        let reader = WatchReader(
            response.body, kind: options.metadataOnly ? "PartialObjectMetadata" : resource.kind,
            maximumLineBytes: configuration.maximumWatchLineBytes)
        return WatchStream { () throws(KubernetesError) in try await reader.next() }
    }

    /// A server that takes its time to say why it refuses a watch is not heard to the end.
    private func refusal(_ response: HTTPStreamedResponse) async -> KubernetesError {
        let failure = await environment.limited(to: configuration.requestTimeout) {
            await AnswerReader.failure(response)
        }
        return failure ?? KubernetesError(response.head)
    }

    private func drawnWatchSeconds() -> Int {
        let (range, chance) = (configuration.watchSeconds, min(max(environment.random(), 0), 1))
        return min(range.upperBound, range.lowerBound + Int(Double(range.count) * chance))
    }

    /// Sends with the present credentials, and once more with new ones if those were refused.
    private func authorized<Answer: Sendable>(
        _ call: APICall, status: (Answer) -> Int,
        _ exchange: (ServerAccess.Session, HTTPRequest) async throws(HTTPTransportError) -> Answer
    ) async throws(KubernetesError) -> Answer {
        try await throttle(call)
        let session = try access.session()
        do throws(HTTPTransportError) {
            let answer = try await exchange(session, request(call, session))
            if status(answer) != 401 { return answer }
            guard let renewed = try? access.renewed(after: session) else { return answer }
            return try await exchange(renewed, request(call, renewed))
        } catch {
            guard error.code == .tls, let renewed = try access.renewed(after: session),
                renewed.requests !== session.requests
            else {
                throw KubernetesError(error)
            }
            do throws(HTTPTransportError) {
                return try await exchange(renewed, request(call, renewed))
            } catch {
                throw KubernetesError(error)
            }
        }
    }

    private func request(_ call: APICall, _ session: ServerAccess.Session) -> HTTPRequest {
        call.request(
            server: configuration.server, authorization: session.authorization,
            timeout: configuration.requestTimeout)
    }

    private func throttle(_ call: APICall) async throws(KubernetesError) {
        if call.isOfElection { return try await wait(for: electionLimiter) }
        try await wait(for: limiter)
    }

    private func wait(for limiter: borrowing Mutex<TokenBucket>) async throws(KubernetesError) {
        let delay = limiter.withLock { $0.reserve(at: environment.now()) }
        guard delay > .zero else { return }
        do throws(CancellationError) {
            try await environment.sleep(delay)
        } catch {
            limiter.withLock { $0.giveBack() }
            throw KubernetesError(.cancelled, message: "The request was cancelled while it waited for its turn.")
        }
    }
}
