public import Encodings
public import KBSProtocol

/// Puts new key-encryption keys where guests will find them.
public protocol KeyRegistrar: Sendable {
    /// Stores `key` as the resource `path`.
    ///
    /// - Throws: `GuestError` unless the key is stored for certain.
    func register(_ key: SecretBytes, at path: ResourcePath) async throws(GuestError)
}

/// Registers keys at the broker, with an admin token that is read from a file each time, so that it can be renewed.
public struct AdminKeyRegistrar: KeyRegistrar {
    private let client: KBSClient
    private let tokenFile: String

    /// A registrar that authenticates with the token in `tokenFile`.
    public init(client: KBSClient, tokenFile: String) {
        self.client = client
        self.tokenFile = tokenFile
    }

    /// Stores the key by `POST /kbs/v0/resource/…`.
    public func register(_ key: SecretBytes, at path: ResourcePath) async throws(GuestError) {
        let file = try SmallFile.read(tokenFile, limit: 16_384, as: "admin token file")
        let token = file.withUnsafeBytes { bytes in
            let isBlank: (UInt8) -> Bool = { $0 <= 0x20 }
            let start = bytes.firstIndex { !isBlank($0) } ?? bytes.endIndex
            let end = bytes.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? start
            return SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[start..<max(start, end)]))
        }
        guard !token.isEmpty else { throw GuestError(.invalidRequest, "The admin token file \(tokenFile) is empty.") }
        try await client.register(key, at: path, adminToken: token)
    }
}
