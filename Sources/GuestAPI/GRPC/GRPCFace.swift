import FoundationEssentials
import GRPCCore

/// Offers over gRPC what a ttrpc socket offers: the two protocols differ in framing only, their methods and messages and
/// the numbers of their status codes are the same.
struct GRPCFace: RegistrableRPCService {
    let services: TTRPCServices

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        for service in services.all {
            for (name, method) in service.methods {
                register(name, of: service, with: &router, method.call)
            }
            for name in service.unsupported {
                register(name, of: service, with: &router) { _ throws(TTRPCStatus) in
                    throw TTRPCStatus(.unimplemented, "\(name) not implemented.")
                }
            }
        }
    }

    private func register<Transport: ServerTransport>(
        _ name: String, of service: TTRPCService, with router: inout RPCRouter<Transport>,
        _ answer: @escaping @Sendable (Data) async throws(TTRPCStatus) -> [UInt8]
    ) {
        router.registerHandler(
            forMethod: MethodDescriptor(fullyQualifiedService: service.name, method: name, type: .unary),
            deserializer: MessageBytes(), serializer: MessageBytes()
        ) { request, _ in
            let request = try await ServerRequest(stream: request)
            do throws(TTRPCStatus) {
                let bytes = try await answer(Data(request.message))
                return StreamingServerResponse(single: ServerResponse(message: bytes))
            } catch {
                throw RPCError(code: RPCError.Code(error.code), message: error.message)
            }
        }
    }
}

/// Leaves messages as the bytes that they are: the methods read and write protobuf themselves.
private struct MessageBytes: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes {
        Bytes(message)
    }

    func deserialize<Bytes: GRPCContiguousBytes>(_ serializedMessageBytes: Bytes) throws -> [UInt8] {
        serializedMessageBytes.withUnsafeBytes { Array($0) }
    }
}

extension RPCError.Code {
    init(_ code: TTRPCStatus.Code) {
        self =
            switch code {
            case .invalidArgument: .invalidArgument
            case .deadlineExceeded: .deadlineExceeded
            case .notFound: .notFound
            case .permissionDenied: .permissionDenied
            case .unimplemented: .unimplemented
            case .internalError: .internalError
            }
    }
}
