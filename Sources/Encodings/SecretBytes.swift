#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Bytes that must not outlive their use: held in an allocation of their own that is overwritten when the last reference
/// goes, never printed, compared in constant time.
///
/// `@unchecked Sendable` holds because the allocation is filled in the initialiser, never written afterwards, and freed only
/// in `deinit`, when no other reference exists.
public final class SecretBytes: @unchecked Sendable {
    private let storage: UnsafeMutableRawBufferPointer

    /// The number of bytes.
    public var count: Int { storage.count }

    /// Whether there are no bytes.
    public var isEmpty: Bool { storage.isEmpty }

    /// Copies the bytes. The caller's array stays as it is; see `init(wiping:)`.
    public init(_ bytes: [UInt8]) {
        storage = Self.allocate(bytes.count)
        storage.copyBytes(from: bytes)
    }

    /// Copies the bytes and overwrites the caller's array.
    public init(wiping bytes: inout [UInt8]) {
        storage = Self.allocate(bytes.count)
        storage.copyBytes(from: bytes)
        Encodings.wipe(&bytes)
    }

    /// Copies bytes out of borrowed memory.
    public init(copying bytes: UnsafeRawBufferPointer) {
        storage = Self.allocate(bytes.count)
        storage.copyMemory(from: bytes)
    }

    private init(zeroed count: Int) {
        storage = Self.allocate(count)
    }

    deinit {
        Encodings.wipe(storage)
        storage.deallocate()
    }

    /// Bytes of the operating system's random number generator.
    public static func random(count: Int) -> SecretBytes {
        let secret = SecretBytes(zeroed: max(0, count))
        // Each number that the generator gives is a system call, so eight bytes are taken at a time.
        var generator = SystemRandomNumberGenerator()
        for start in stride(from: 0, to: secret.count, by: 8) {
            Swift.withUnsafeBytes(of: generator.next() as UInt64) { bytes in
                UnsafeMutableRawBufferPointer(rebasing: secret.storage[start...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(secret.count - start)))
            }
        }
        return secret
    }

    /// Lends the bytes for the length of the call.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(storage))
    }

    /// A copy that is no longer protected; the caller answers for it (see `wipe(_:)`).
    public func copyBytes() -> [UInt8] { Array(storage) }

    private static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        storage.initializeMemory(as: UInt8.self, repeating: 0)
        return storage
    }

}

extension SecretBytes: Equatable {
    /// Compares in time that depends on the lengths only.
    public static func == (left: SecretBytes, right: SecretBytes) -> Bool {
        left.withUnsafeBytes { a in right.withUnsafeBytes { b in constantTimeEqual(a, b) } }
    }
}

extension SecretBytes: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says how many bytes there are and nothing else.
    public var description: String { "<\(count) secret bytes>" }
    /// Says how many bytes there are and nothing else.
    public var debugDescription: String { description }
    /// A mirror without children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// Overwrites an array's bytes with zeros, in a way that the optimiser does not remove, and empties it.
///
/// Only this array's own storage is overwritten: copies made before keep their bytes.
public func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { wipe($0) }
    bytes.removeAll()
}

/// Overwrites borrowed memory with zeros in a way that the optimiser does not remove.
public func wipe(_ memory: UnsafeMutableRawBufferPointer) {
    guard let start = memory.baseAddress, !memory.isEmpty else { return }
    explicit_bzero(start, memory.count)
}
