import NIOCore
import SwiftProtobuf

/// What is done with one client's requests: whether it may ask, and then what the services answer.
struct TTRPCWork: Sendable {
    let services: TTRPCServices
    let peers: AllowedPeers
    let peer: PeerIdentity

    func response(to request: Ttrpc_Request) async -> Ttrpc_Response {
        let method = "/\(request.service)/\(request.method)"
        do throws(TTRPCStatus) {
            guard peers.allow(peer, toCall: method) else {
                throw TTRPCStatus(.permissionDenied, "User \(peer.userID) may not call \(method): see --ttrpc-peer.")
            }
            return Ttrpc_Response(payload: try await services.call(request))
        } catch {
            return Ttrpc_Response(error)
        }
    }

    /// The bytes of a response; one that is too large for a frame becomes a failure that says so.
    static func message(_ response: Ttrpc_Response) -> ByteBuffer {
        let bytes = serialized(response)
        guard bytes.count > TTRPCFrame.maximumDataBytes else { return ByteBuffer(bytes: bytes) }
        return ByteBuffer(bytes: serialized(Ttrpc_Response(.oversized(bytes.count))))
    }

    /// Writing can fail only for required fields, which proto3 does not have.
    private static func serialized(_ response: Ttrpc_Response) -> [UInt8] {
        (try? response.serializedBytes()) ?? []
    }
}
