import Encodings
import KBSProtocol

/// The environment of a program, with plain values in place of sealed ones.
///
/// A variable is sealed when its value begins with `sealed.`. Nothing half resolved comes out: one failure is a failure of
/// the whole.
public struct SealedEnvironment: Sendable {
    /// Why a variable has no plain value.
    public struct Failure: Error, Sendable, Hashable {
        /// The variable's name; never its value.
        public let name: String
        /// What went wrong.
        public let error: GuestError
    }

    /// Why variables have no plain values; at least one.
    public struct Failures: Error, Sendable, Hashable {
        /// One entry for each such variable.
        public let all: [Failure]
        /// Whether the same may succeed later without anything done by a person.
        public var areTransient: Bool { all.allSatisfy(\.error.isTransient) }
    }

    private static let resourcePrefix = "kbs://"

    private let variables: [[UInt8]]
    private let resolvesResources: Bool

    /// An environment.
    ///
    /// - Parameters:
    ///   - variables: `NAME=value`, as the system keeps them; what is not sealed is passed on as it is.
    ///   - resolvesResources: whether a value that begins with `kbs://` stands for that resource.
    public init(_ variables: [[UInt8]], resolvesResources: Bool = false) {
        self.variables = variables
        self.resolvesResources = resolvesResources
    }

    /// The environment in plain.
    ///
    /// - Throws: ``Failures``.
    public func resolved(by unsealer: Unsealer, resources: any ResourceSource) async throws(Failures) -> [[UInt8]] {
        var plain: [[UInt8]] = []
        var failures: [Failure] = []
        for variable in variables {
            guard let mark = variable.firstIndex(of: UInt8(ascii: "=")), mark > 0 else {
                plain.append(variable)
                continue
            }
            do throws(GuestError) {
                let value = variable[(mark + 1)...]
                guard let secret = try await secret(Array(value), unsealer, resources) else {
                    plain.append(variable)
                    continue
                }
                plain.append(Array(variable[...mark]) + (try Self.checked(secret)))
            } catch {
                let name = String(decoding: variable[..<mark], as: UTF8.self).printable
                failures.append(Failure(name: name, error: error))
            }
        }
        guard failures.isEmpty else { throw Failures(all: failures) }
        return plain
    }

    /// What a value stands for; nil when it stands for itself.
    private func secret(
        _ value: [UInt8], _ unsealer: Unsealer, _ resources: any ResourceSource
    ) async throws(GuestError) -> SecretBytes? {
        if SealedText.isOne(value) { return try await unsealer.unseal(value) }
        guard resolvesResources, value.starts(with: Self.resourcePrefix.utf8) else { return nil }
        let uri: ResourceURI
        do throws(KBSProtocolError) {
            uri = try ResourceURI(String(decoding: value, as: UTF8.self)).withoutAuthority()
        } catch {
            throw GuestError(.invalidRequest, error.message)
        }
        return try await resources.resource(uri)
    }

    /// What a variable can hold: text without a zero byte.
    private static func checked(_ secret: SecretBytes) throws(GuestError) -> [UInt8] {
        let bytes = secret.copyBytes()
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else {
            throw GuestError(
                .unexpected, "Its value is no UTF-8 text, or has a zero byte, which a variable cannot hold. Use a file."
            )
        }
        return bytes
    }
}
