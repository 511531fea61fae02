import Encodings
import Glibc
public import OCIEncryption

/// The work of containerd's stream processor for encrypted layers: ciphertext from one descriptor, plaintext to another.
public struct LayerDecoding: Sendable {
    /// Answers ocicrypt's `UnWrapKey` (JSON to JSON).
    public typealias Unwrapper = @Sendable (_ request: [UInt8]) async throws(GuestError) -> [UInt8]

    private static let chunkSize = 65_536

    private let unwrap: Unwrapper

    /// A decoder that has layer keys opened by `unwrap`.
    public init(unwrap: @escaping Unwrapper) {
        self.unwrap = unwrap
    }

    /// Decrypts one layer to its end. Only when this returns may the output be used.
    ///
    /// - Parameters:
    ///   - layer: the encrypted layer.
    ///   - input: descriptor that the ciphertext is read from.
    ///   - output: descriptor that the plaintext is written to.
    /// - Throws: `GuestError`; `undecryptable` when the layer was changed or its key does not open it.
    public func decode(_ layer: Descriptor, from input: Int32, to output: Int32) async throws(GuestError) {
        do {
            var stream = try await LayerStream(layer) { packet in try await options(packet) }
            var chunk = [UInt8](repeating: 0, count: Self.chunkSize)
            while true {
                let count = read(input, &chunk, chunk.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw Self.failure("reading the layer") }
                if count == 0 { break }
                try Self.write(stream.decrypt(Array(chunk[..<count])), to: output)
            }
            try stream.finish()
        } catch let error as GuestError {
            throw error
        } catch let error as ImageEncryptionError {
            throw GuestError(.undecryptable, "The layer cannot be decrypted: \(error.message).")
        } catch {
            throw GuestError(.undecryptable, "The layer cannot be decrypted.")
        }
    }

    private func options(_ packet: AnnotationPacket) async throws(GuestError) -> SecretBytes {
        let answer = try await unwrap(KeyProviderMessage.unwrapRequest(annotation: packet.serialized()))
        return try KeyProviderMessage.optsData(parsing: answer)
    }

    private static func write(_ bytes: [UInt8], to output: Int32) throws(GuestError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw failure("writing the layer") }
            rest = rest.dropFirst(written)
        }
    }

    private static func failure(_ action: String) -> GuestError {
        GuestError(.unavailable, "Failed \(action): \(String(cString: strerror(errno))).")
    }
}
