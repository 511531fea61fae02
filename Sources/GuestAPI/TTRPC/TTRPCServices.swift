import FoundationEssentials
import SwiftProtobuf

/// A method of a ttrpc service, its messages as bytes.
struct TTRPCMethod: Sendable {
    let call: @Sendable (Data) async throws(TTRPCStatus) -> [UInt8]

    init<Input: Message, Output: Message>(
        _ body: @escaping @Sendable (Input) async throws(TTRPCStatus) -> Output
    ) {
        call = { (payload) async throws(TTRPCStatus) -> [UInt8] in
            guard let input = try? Input(serializedBytes: payload) else {
                throw TTRPCStatus(.invalidArgument, "The request is no \(Input.protoMessageName).")
            }
            let output = try await body(input)
            guard let bytes: [UInt8] = try? output.serializedBytes() else {
                throw TTRPCStatus(.internalError, "The answer cannot be written.")
            }
            return bytes
        }
    }
}

/// A ttrpc service by its full name.
struct TTRPCService: Sendable {
    let name: String
    let methods: [String: TTRPCMethod]
    /// Methods of the interface that neither the reference nor this agent serves over ttrpc.
    var unsupported: Set<String> = []
}

/// The ttrpc services that one socket offers; see ``TTRPCServices/attestationAgent(client:attester:measurements:logger:)``
/// and ``TTRPCServices/confidentialDataHub(resources:images:secrets:logger:)``.
public struct TTRPCServices: Sendable {
    private let services: [String: TTRPCService]

    init(_ services: [TTRPCService]) {
        self.services = Dictionary(services.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Each service that is offered.
    var all: [TTRPCService] { Array(services.values) }

    /// The services of both, for one socket that offers everything.
    public func merging(_ others: TTRPCServices) -> TTRPCServices {
        TTRPCServices(all + others.all)
    }

    /// Codes and sentences for calls that lead nowhere are those of the reference's ttrpc library.
    func call(_ request: Ttrpc_Request) async throws(TTRPCStatus) -> [UInt8] {
        guard let service = services[request.service] else {
            throw TTRPCStatus(.invalidArgument, "\(request.service) service does not exist")
        }
        guard let method = service.methods[request.method] else {
            if service.unsupported.contains(request.method) {
                throw TTRPCStatus(.notFound, "/\(request.service)/\(request.method) is not supported")
            }
            throw TTRPCStatus(.unimplemented, "\(request.method) method")
        }
        return try await method.call(request.payload)
    }
}

extension Ttrpc_Response {
    /// A success. The status is written although it is empty, as the reference does.
    init(payload: [UInt8]) {
        self.init()
        status = Ttrpc_Status()
        self.payload = Data(payload)
    }

    init(_ failure: TTRPCStatus) {
        self.init()
        status.code = failure.code.rawValue
        status.message = failure.message
    }
}
