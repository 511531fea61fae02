/// A file with a sealed secret, and the file that its value is written to.
public struct UnsealTarget: Sendable, Hashable, CustomStringConvertible {
    /// Absolute path of the file with the sealed text.
    public let input: String
    /// Absolute path of the file with the value.
    public let output: String

    /// Reads `/path/of/sealed=/path/of/plain`.
    ///
    /// - Throws: `GuestError` with `invalid_request`.
    public init(argument: String) throws(GuestError) {
        guard let separator = argument.firstRange(of: "=/"), argument.hasPrefix("/"), !argument.utf8.contains(0) else {
            throw GuestError(
                .invalidRequest, "A file to unseal is written /path/of/sealed=/path/of/plain, not \(argument)")
        }
        input = String(argument[..<separator.lowerBound])
        output = String(argument[argument.index(after: separator.lowerBound)...])
        let segments = output.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard let last = segments.last, !last.isEmpty, !segments.contains(".."), !segments.contains(".") else {
            throw GuestError(
                .invalidRequest, "An unsealed file needs an absolute path without . and .. segments: \(output)")
        }
        guard input != output else {
            throw GuestError(.invalidRequest, "The value of \(input) would be written over its sealed form.")
        }
    }

    /// The form that ``init(argument:)`` reads.
    public var description: String { "\(input)=\(output)" }
}
