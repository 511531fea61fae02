import Broker
import Encodings
import GRPCCore
import GRPCProtobuf
import Logging

/// The service of reference value providers over gRPC (kbs-protocol section 6.3).
///
/// A call needs the admin token that the same request over HTTP needs, in its metadata, and the same role: to register that
/// for `POST /kbs/v0/reference-value`, to ask that for `GET /kbs/v0/reference-value/NAME`.
struct ReferenceValueService: RegistrableRPCService {
    private static let name = ServiceDescriptor(fullyQualifiedService: "reference.ReferenceValueProviderService")
    private static let path = "/kbs/v0/reference-value"

    let broker: Broker
    let gate: AdminGate
    let logger: Logger

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(
            forMethod: MethodDescriptor(service: Self.name, method: "QueryReferenceValue", type: .unary),
            deserializer: ProtobufDeserializer<Reference_ReferenceValueQueryRequest>(),
            serializer: ProtobufSerializer<Reference_ReferenceValueQueryResponse>()
        ) { stream, _ in
            let request = try await ServerRequest(stream: stream)
            return StreamingServerResponse(
                single: ServerResponse(message: try await query(request.message, request.metadata)))
        }
        router.registerHandler(
            forMethod: MethodDescriptor(service: Self.name, method: "RegisterReferenceValue", type: .unary),
            deserializer: ProtobufDeserializer<Reference_ReferenceValueRegisterRequest>(),
            serializer: ProtobufSerializer<Reference_ReferenceValueRegisterResponse>()
        ) { stream, _ in
            let request = try await ServerRequest(stream: stream)
            return StreamingServerResponse(
                single: ServerResponse(message: try await register(request.message, request.metadata)))
        }
    }

    /// A value as JSON; nothing when there is none that counts.
    private func query(
        _ request: Reference_ReferenceValueQueryRequest, _ metadata: Metadata
    ) async throws(RPCError) -> Reference_ReferenceValueQueryResponse {
        let segments = request.referenceValueID.split(separator: "/", omittingEmptySubsequences: false)
        let target = ([Self.path] + segments.map { PercentEncoding.encode(String($0)) }).joined(separator: "/")
        _ = try await admit(metadata, "GET", target)
        var response = Reference_ReferenceValueQueryResponse()
        do throws(BrokerError) {
            response.referenceValueResults = try await broker.referenceValue(request.referenceValueID)
                .serializedString()
        } catch {
            guard error.kind == .notFound else { throw aborted("Query", error) }
        }
        return response
    }

    private func register(
        _ request: Reference_ReferenceValueRegisterRequest, _ metadata: Metadata
    ) async throws(RPCError) -> Reference_ReferenceValueRegisterResponse {
        let principal = try await admit(metadata, "POST", Self.path)
        do throws(BrokerError) {
            try await broker.registerReferenceValues(
                message: Array(request.message.utf8), by: principal.recordedName)
        } catch {
            throw aborted("Register", error)
        }
        return Reference_ReferenceValueRegisterResponse()
    }

    private func admit(
        _ metadata: Metadata, _ method: String, _ target: String
    ) async throws(RPCError) -> AdminPrincipal {
        let values = Array(metadata[stringValues: "authorization"])
        let words = values.count == 1 ? values[0].split(separator: " ") : []
        let bearer = words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]) : nil
        do throws(AdminRefusal) {
            return try await gate.admit(bearer: bearer, method: method, target: target)
        } catch {
            let refusal = error.error(endpoint: "reference-value")
            logger.info(
                "request refused", metadata: ["operation": "reference-value-service", "code": "\(refusal.code)"])
            throw RPCError(
                code: refusal.kind == .denied ? .permissionDenied : .unauthenticated, message: refusal.message)
        }
    }

    private func aborted(_ operation: String, _ error: BrokerError) -> RPCError {
        logger.info("request refused", metadata: ["operation": "reference-value-service", "code": "\(error.code)"])
        let code: RPCError.Code = error.kind == .unavailable ? .unavailable : .aborted
        return RPCError(code: code, message: "\(operation) reference value: \(error.message)")
    }
}
