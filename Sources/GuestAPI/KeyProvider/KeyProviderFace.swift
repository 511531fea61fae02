import FoundationEssentials
import GRPCCore
import Guest
import Logging

/// ocicrypt's key provider over gRPC. A failure's sentence reaches whoever runs skopeo or the container runtime.
struct KeyProviderFace: Keyprovider_KeyProviderService.SimpleServiceProtocol {
    let images: ImageKeys
    let logger: Logger

    func wrapKey(
        request: Keyprovider_KeyProviderKeyWrapProtocolInput, context: ServerContext
    ) async throws -> Keyprovider_KeyProviderKeyWrapProtocolOutput {
        try await answer("WrapKey") { () throws(GuestError) in
            try await images.wrap(Array(request.keyProviderKeyWrapProtocolInput))
        }
    }

    func unWrapKey(
        request: Keyprovider_KeyProviderKeyWrapProtocolInput, context: ServerContext
    ) async throws -> Keyprovider_KeyProviderKeyWrapProtocolOutput {
        try await answer("UnWrapKey") { () throws(GuestError) in
            try await images.unwrap(Array(request.keyProviderKeyWrapProtocolInput))
        }
    }

    private func answer(
        _ operation: String, _ work: () async throws(GuestError) -> [UInt8]
    ) async throws -> Keyprovider_KeyProviderKeyWrapProtocolOutput {
        do throws(GuestError) {
            var output = Keyprovider_KeyProviderKeyWrapProtocolOutput()
            output.keyProviderKeyWrapProtocolOutput = Data(try await work())
            return output
        } catch {
            logger.warning(
                "key provider request failed",
                metadata: ["operation": "\(operation)", "code": "\(error.code.rawValue)", "reason": "\(error)"])
            let code: RPCError.Code = error.code == .disabled ? .unimplemented : .internalError
            throw RPCError(code: code, message: "[\(error.code.rawValue)] \(error)")
        }
    }
}
