import Crypto
import Encodings

/// Encrypts and opens resource versions. Each version has a data key of its own; the data key and the value are both
/// bound to path, tenant and version, so a row that is copied elsewhere does not open.
struct ResourceEnvelope: Sendable {
    let keys: KeyEncryptionKeyRing

    func seal(
        _ value: SecretBytes, path: String, tenant: String, version: Int
    ) throws(StorageError) -> (wrappedKey: [UInt8], ciphertext: [UInt8]) {
        let fields = Self.fields(path, tenant, version)
        let dataKey = SecretBytes.random(count: KeyEncryptionKey.length)
        let key = dataKey.withUnsafeBytes { SymmetricKey(data: $0) }
        let ciphertext = try value.withUnsafeBytes { bytes throws(StorageError) in
            try AuthenticatedEncryption.seal(bytes, under: key, binding: BoundContext(.resourceValue, fields))
        }
        return (try keys.seal(dataKey, purpose: .resourceKey, fields: fields), ciphertext)
    }

    func open(_ resource: SealedResource) throws(StorageError) -> SecretBytes {
        guard let ciphertext = resource.ciphertext else { throw .internal("the value was not fetched") }
        let fields = Self.fields(resource.path, resource.tenant, resource.version)
        let dataKey = try keys.open(resource.wrappedKey, purpose: .resourceKey, fields: fields)
        let key = dataKey.withUnsafeBytes { SymmetricKey(data: $0) }
        return try AuthenticatedEncryption.open(
            ciphertext, under: key, binding: BoundContext(.resourceValue, fields))
    }

    /// The same data key under the current key-encryption key.
    func rewrap(
        _ wrappedKey: [UInt8], path: String, tenant: String, version: Int
    ) throws(StorageError) -> [UInt8] {
        let fields = Self.fields(path, tenant, version)
        let dataKey = try keys.open(wrappedKey, purpose: .resourceKey, fields: fields)
        return try keys.seal(dataKey, purpose: .resourceKey, fields: fields)
    }

    private static func fields(_ path: String, _ tenant: String, _ version: Int) -> [[UInt8]] {
        [Array(tenant.utf8), Array(path.utf8), BoundContext.field(version)]
    }
}
