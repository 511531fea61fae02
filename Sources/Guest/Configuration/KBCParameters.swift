/// The reference's short form of where the broker is: `<kind>::<address>`, from the environment or the kernel's command
/// line. Of the kinds, only `cc_kbc` is a key broker.
public struct KBCParameters: Sendable, Hashable {
    /// The variable `AA_KBC_PARAMS`.
    public static let variable = "AA_KBC_PARAMS"
    /// The parameter of the kernel's command line.
    public static let kernelParameter = "agent.aa_kbc_params"

    /// The broker's address; nil for `offline_fs_kbc`, which has none.
    public let url: String?

    /// Reads the two parts.
    ///
    /// - Throws: `GuestError` with `invalid_request` for any other number of parts, and for kinds that this agent does not
    ///   know.
    public init(_ text: String) throws(GuestError) {
        let parts = text.split(separator: "::", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw GuestError(
                .invalidRequest, "Broker parameters have two parts, as in cc_kbc::https://broker:8080; not: \(text)")
        }
        url = try Self.url(kind: String(parts[0]), address: String(parts[1]))
    }

    /// What the environment says, else what the kernel's command line says, else nil.
    ///
    /// - Throws: `GuestError` with `invalid_request` when it cannot be read.
    public static func find(
        environment: [String: String], kernel: KernelCommandLine
    ) throws(GuestError) -> KBCParameters? {
        guard let text = environment[variable] ?? kernel.value(of: kernelParameter) else { return nil }
        return try KBCParameters(text)
    }

    static func url(kind: String, address: String) throws(GuestError) -> String? {
        switch kind {
        case "cc_kbc":
            guard !address.isEmpty else { throw GuestError(.invalidRequest, "The broker's address is empty.") }
            return address
        case "offline_fs_kbc":
            return nil
        default:
            throw GuestError(
                .invalidRequest, "A broker of kind \(kind) is not known; cc_kbc is, and offline_fs_kbc for none.")
        }
    }
}

/// The parameters that this machine was booted with.
public struct KernelCommandLine: Sendable {
    private let parameters: [String: String]

    /// Reads a command line. Values may stand in double quotes; of a repeated parameter the last one counts.
    public init(_ text: String) {
        var parameters: [String: String] = [:]
        var word = ""
        var isQuoted = false
        func end() {
            if let mark = word.firstIndex(of: "=") {
                parameters[String(word[..<mark])] = String(word[word.index(after: mark)...])
            }
            word = ""
        }
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case " ", "\n", "\t": if isQuoted { word.append(character) } else { end() }
            default: word.append(character)
            }
        }
        end()
        self.parameters = parameters
    }

    /// This machine's; empty where the kernel does not show it.
    public static func current() -> KernelCommandLine {
        let bytes = try? SmallFile.read("/proc/cmdline", limit: 65_536, as: "kernel command line")
        return KernelCommandLine(bytes?.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } ?? "")
    }

    /// The value of a parameter; nil when it is not given, or without a value.
    public func value(of parameter: String) -> String? { parameters[parameter] }
}
