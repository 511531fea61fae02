import Encodings
import FoundationEssentials
import KBSProtocol
import OCIEncryption

/// The key provider of encrypted images: seals layer options under a key-encryption key, and opens them with the key
/// that the broker releases to this guest.
public actor ImageKeys {
    private let keys: any ResourceSource
    private let registrar: (any KeyRegistrar)?
    private let scope: RegistrationScope
    private let keyFolder: KeyFolder

    /// Random keys made for a name that the caller chose: all layers of an image must share one.
    private var generated: [ResourcePath: SecretBytes] = [:]
    private var registrations: [ResourcePath: Registration] = [:]

    private struct Registration {
        let key: SecretBytes
        let at: ContinuousClock.Instant
    }

    /// One call comes per layer; a key just stored is not stored again for the next layer.
    private static let registrationMemory: Duration = .seconds(60)

    /// A key provider.
    ///
    /// - Parameters:
    ///   - keys: where key-encryption keys are fetched.
    ///   - registrar: where new ones are stored; nil switches wrapping off.
    ///   - scope: which resources may be stored.
    ///   - keyFolder: the folder whose files callers may name by `keypath`; nil refuses all files.
    public init(
        keys: any ResourceSource, registrar: (any KeyRegistrar)? = nil, scope: RegistrationScope = .standard,
        keyFolder: String? = nil
    ) {
        self.keys = keys
        self.scope = scope
        self.keyFolder = KeyFolder(path: keyFolder)
        self.registrar = registrar
    }

    /// Answers ocicrypt's `UnWrapKey`.
    ///
    /// - Parameter request: JSON with `keyunwrapparams.annotation` as base64 or integer array.
    /// - Returns: JSON `{"keyunwrapresults":{"optsdata":[…]}}`. It holds a layer key.
    /// - Throws: `GuestError`.
    public nonisolated func unwrap(_ request: [UInt8]) async throws(GuestError) -> [UInt8] {
        let annotation = try KeyProviderMessage.annotation(parsing: request)
        let packet = try opened { try AnnotationPacket(parsing: annotation) }
        let key = try await keys.resource(WrapParameters.keyID(packet.keyID))
        return KeyProviderMessage.unwrapAnswer(optsData: try opened { try packet.unwrap(key: key) })
    }

    /// Answers ocicrypt's `WrapKey`; the key-encryption key is registered before the answer leaves.
    ///
    /// - Parameter request: JSON with `keywrapparams`, parameters `keypath`, `keyid` and `algorithm`.
    /// - Returns: JSON `{"keywrapresults":{"annotation":[…]}}`.
    /// - Throws: `GuestError`; `disabled` when there is no registrar.
    public func wrap(_ request: [UInt8]) async throws(GuestError) -> [UInt8] {
        guard let registrar else {
            throw GuestError(
                .disabled, "WrapKey is not enabled: start the agent with --keyprovider-admin-token-file.")
        }
        let request = try KeyProviderMessage.Wrap(parsing: request)
        let parameters = try WrapParameters(request.parameters)
        let path = try path(parameters.keyID)
        let key = try key(parameters, path)
        try await register(key, at: path, registrar)
        let packet = try opened {
            try AnnotationPacket.wrap(optsData: request.optsData, keyID: "kbs:///\(path)", key: key)
        }
        return KeyProviderMessage.wrapAnswer(annotation: packet.serialized())
    }

    /// Answers one request of ocicrypt's command form, which says itself what it asks for.
    ///
    /// - Parameter request: JSON with `op`, `keywrap` or `keyunwrap`.
    /// - Throws: `GuestError`.
    public func answer(_ request: [UInt8]) async throws(GuestError) -> [UInt8] {
        switch try KeyProviderMessage.operation(parsing: request) {
        case "keywrap": return try await wrap(request)
        case "keyunwrap": return try await unwrap(request)
        default: throw GuestError(.invalidRequest, "Illegal key provider request: op is keywrap or keyunwrap.")
        }
    }

    private func path(_ keyID: ResourceURI?) throws(GuestError) -> ResourcePath {
        let named: ResourcePath
        do throws(KBSProtocolError) {
            guard let keyID else { return try scope.path(tag: UUID().uuidString.lowercased()) }
            named = try keyID.resourcePath()
        } catch {
            throw GuestError(.invalidRequest, "The key id names no resource: \(error.message)")
        }
        guard scope.contains(named) else {
            throw GuestError(
                .disabled,
                "WrapKey stores keys under \(scope) only, not as \(named): start the agent with --keyprovider-scope.")
        }
        return named
    }

    private func key(_ parameters: WrapParameters, _ path: ResourcePath) throws(GuestError) -> SecretBytes {
        if let file = parameters.keyPath {
            return try keyFolder.key(in: file)
        }
        guard parameters.keyID != nil else { return .random(count: KeyFolder.keySize) }
        let key = generated[path] ?? .random(count: KeyFolder.keySize)
        generated[path] = key
        return key
    }

    private func register(
        _ key: SecretBytes, at path: ResourcePath, _ registrar: any KeyRegistrar
    ) async throws(GuestError) {
        if let last = registrations[path], last.key == key, last.at.duration(to: .now) < Self.registrationMemory {
            return
        }
        try await registrar.register(key, at: path)
        // Names made here never come back; their keys must not stay.
        registrations = registrations.filter { $0.value.at.duration(to: .now) < Self.registrationMemory }
        registrations[path] = Registration(key: key, at: .now)
    }

    private nonisolated func opened<T>(_ work: () throws -> T) throws(GuestError) -> T {
        do {
            return try work()
        } catch let error as ImageEncryptionError {
            throw GuestError(.undecryptable, "The image key packet cannot be used: \(error.message).")
        } catch {
            throw GuestError(.undecryptable, "The image key packet cannot be used.")
        }
    }
}
