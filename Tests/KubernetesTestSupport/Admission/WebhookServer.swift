import Encodings
import Foundation
import HTTPTypes
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A webhook of a test, served over TLS on this machine.
package final class WebhookServer: Sendable {
    /// What it says about a write.
    package enum Answer: Sendable {
        case allow(patch: [JSONValue] = [], warnings: [String] = [])
        case deny(message: String, code: Int64 = 0)
        /// Whatever this is, instead of a review.
        case nonsense(JSONObject)
        case silence
    }

    /// Where it is found, without a path.
    package let url: String
    private let authority: LoopbackAuthority
    private let seen = Mutex<[JSONObject]>([])

    private init(port: Int, authority: LoopbackAuthority) {
        url = "https://127.0.0.1:\(port)"
        self.authority = authority
    }

    /// The reviews that arrived so far.
    package var reviews: [JSONObject] { seen.withLock { $0 } }

    /// The `clientConfig` of a webhook at a path of this one.
    package func clientConfig(path: String) -> JSONValue {
        ["url": .string(url + path), "caBundle": .string(Base64.encode(Array(authority.certificatePEM.utf8)))]
    }

    /// Serves for the length of `body`.
    ///
    /// - Parameter answer: the answer to a review's `request` at a path.
    package static func run<T: Sendable>(
        _ answer: @escaping @Sendable (_ path: String, _ request: JSONObject) -> Answer,
        _ body: @Sendable (WebhookServer) async throws -> T
    ) async throws -> T {
        let authority = try LoopbackAuthority()
        let running = Mutex<WebhookServer?>(nil)
        let (ports, announce) = AsyncStream<Int>.makeStream()
        var logger = Logger(label: "webhook")
        logger.logLevel = .critical
        let builder = HTTPServerBuilder {
            try TLSChannel(HTTP1Channel(responder: $0), tlsConfiguration: authority.serverConfiguration())
        }
        let service = try builder.buildServer(
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            responder: { request, writer, _ in
                let content = try await request.body.collect(upTo: 8_388_608)
                let review = (try? JSONObject(parsing: Array(content.readableBytesView))) ?? [:]
                running.withLock { $0 }?.seen.withLock { $0.append(review) }
                let path = (request.head.path ?? "").split(separator: "?").first.map(String.init) ?? ""
                let reply = reply(to: review, answer(path, review["request"]?.objectValue ?? [:]))
                if reply == nil { try await Task.sleep(for: .seconds(60)) }
                let head = HTTPResponse(status: .ok, headerFields: [.contentType: "application/json"])
                try await writer.writeResponse(head, ByteBuffer(bytes: (reply ?? [:]).serialized()))
            },
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) })
        let task = Task {
            defer { announce.finish() }
            try await service.run()
        }
        defer { task.cancel() }
        guard let port = await ports.first(where: { _ in true }) else { throw CancellationError() }
        let server = WebhookServer(port: port, authority: authority)
        running.withLock { $0 = server }
        return try await body(server)
    }

    private static func reply(to review: JSONObject, _ answer: Answer) -> JSONObject? {
        var response: JSONObject = ["uid": review["request"]?["uid"] ?? ""]
        switch answer {
        case .silence: return nil
        case .nonsense(let object): return object
        case .allow(let patch, let warnings):
            response["allowed"] = true
            if !warnings.isEmpty { response["warnings"] = .array(warnings.map(JSONValue.string)) }
            if !patch.isEmpty {
                response["patchType"] = "JSONPatch"
                response["patch"] = .string(Base64.encode(JSONValue.array(patch).serialized()))
            }
        case .deny(let message, let code):
            response["allowed"] = false
            response["status"] =
                code == 0 ? ["message": .string(message)] : ["message": .string(message), "code": .int(code)]
        }
        return ["apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": .object(response)]
    }
}

extension ResponseWriter {
    fileprivate consuming func writeResponse(_ head: HTTPResponse, _ content: ByteBuffer) async throws {
        try await write(response: head, body: ResponseBody(byteBuffer: content))
    }
}
