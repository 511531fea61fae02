import Encodings
import FoundationEssentials
import GRPCCore
import GRPCNIOTransportHTTP2
import GRPCProtobuf
public import Guest

/// Asks a running key provider to open layer keys, for programs that have none of their own.
public struct KeyProviderClient: Sendable {
    /// How the key provider is reached.
    enum Endpoint: Sendable, Hashable {
        case ttrpc(path: String)
        case grpc(ListenAddress)
    }

    static let providerName = "attestation-agent"
    private static let maximumConfigurationSize = 1_048_576

    let endpoint: Endpoint

    /// The key provider that ocicrypt's configuration names.
    ///
    /// - Parameter configurationFile: the file; nil or empty for the confidential-data-hub's usual socket.
    /// - Throws: `GuestError` with `invalid_request`.
    public init(configurationFile: String?) throws(GuestError) {
        guard let file = configurationFile, !file.isEmpty else {
            self.init(endpoint: .ttrpc(path: ReferenceSocket.confidentialDataHub))
            return
        }
        guard let data = try? Data(contentsOf: URL(filePath: file)), data.count <= Self.maximumConfigurationSize else {
            throw Self.unusable(file, "it cannot be read")
        }
        try self.init(configuration: Array(data), name: file)
    }

    init(endpoint: Endpoint) { self.endpoint = endpoint }

    init(configuration: [UInt8], name: String) throws(GuestError) {
        guard let object = try? JSONObject(parsing: configuration),
            let provider = object["key-providers"]?[Self.providerName]
        else { throw Self.unusable(name, "it names no key provider \(Self.providerName)") }
        let address: ListenAddress
        do throws(ListenAddressError) {
            if let text = provider["ttrpc"]?.stringValue {
                guard case .unix(let path) = try ListenAddress(text) else {
                    throw ListenAddressError("\(text.printable) is no Unix socket")
                }
                self.init(endpoint: .ttrpc(path: path))
                return
            }
            guard let text = provider["grpc"]?.stringValue else {
                throw ListenAddressError("the key provider is reached neither by ttrpc nor by grpc")
            }
            address = try ListenAddress(text.hasPrefix("http://") ? String(text.dropFirst(7)) : text)
        } catch {
            throw Self.unusable(name, error.message)
        }
        guard address.isLocal else {
            throw Self.unusable(name, "\(address) is not on this machine, and layer keys would go there unprotected")
        }
        self.init(endpoint: .grpc(address))
    }

    /// Has ocicrypt's `UnWrapKey` answered.
    ///
    /// - Parameter request: the JSON of a request.
    /// - Returns: the JSON of the answer. It holds a layer key.
    /// - Throws: `GuestError` with what the key provider says.
    public func unwrap(_ request: [UInt8]) async throws(GuestError) -> [UInt8] {
        var input = Keyprovider_KeyProviderKeyWrapProtocolInput()
        input.keyProviderKeyWrapProtocolInput = Data(request)
        switch endpoint {
        case .ttrpc(let path): return try await Self.overTTRPC(input, path)
        case .grpc(let address): return try await Self.overGRPC(input, address)
        }
    }

    private static func overTTRPC(
        _ input: Keyprovider_KeyProviderKeyWrapProtocolInput, _ path: String
    ) async throws(GuestError) -> [UInt8] {
        let output: Keyprovider_KeyProviderKeyWrapProtocolOutput = try await TTRPCClient(path: path).call(
            "keyprovider.KeyProviderService", "UnWrapKey", input)
        return Array(output.keyProviderKeyWrapProtocolOutput)
    }

    private static func overGRPC(
        _ input: Keyprovider_KeyProviderKeyWrapProtocolInput, _ address: ListenAddress
    ) async throws(GuestError) -> [UInt8] {
        do {
            let transport = try HTTP2ClientTransport.Posix(
                target: target(address), transportSecurity: .plaintext)
            return try await withGRPCClient(transport: transport) { client in
                // A provider that is not there is an error now, not after it came.
                var options = CallOptions.defaults
                options.waitForReady = false
                let output: Keyprovider_KeyProviderKeyWrapProtocolOutput = try await client.unary(
                    request: ClientRequest(message: input),
                    descriptor: Keyprovider_KeyProviderService.Method.UnWrapKey.descriptor,
                    serializer: ProtobufSerializer<Keyprovider_KeyProviderKeyWrapProtocolInput>(),
                    deserializer: ProtobufDeserializer<Keyprovider_KeyProviderKeyWrapProtocolOutput>(),
                    options: options
                ) { try $0.message }
                return Array(output.keyProviderKeyWrapProtocolOutput)
            }
        } catch let error as RPCError {
            throw GuestError(
                error.code == .unavailable ? .unavailable : .undecryptable,
                "The key provider at \(address) answers: \(error.message.printable)")
        } catch {
            throw GuestError(.unavailable, "The key provider at \(address) cannot be asked.")
        }
    }

    private static func target(_ address: ListenAddress) -> any ResolvableTarget {
        switch address {
        case .unix(let path): .unixDomainSocket(path: path)
        case .tcp(let host, let port):
            host.contains(":") ? .ipv6(address: host, port: port) : .ipv4(address: host, port: port)
        }
    }

    private static func unusable(_ name: String, _ reason: String) -> GuestError {
        GuestError(.invalidRequest, "The key provider configuration \(name) cannot be used: \(reason).")
    }
}
