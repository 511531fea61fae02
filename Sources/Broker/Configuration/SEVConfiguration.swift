import Encodings
public import Verification

/// What is demanded of SEV and SEV-ES launches. Without digests and builds no launch is believed.
public struct SEVConfiguration: Sendable, Hashable {
    /// Digests, builds, processors and the guest's policy.
    public var options = SEVVerifier.Options()

    /// The defaults.
    public init() {}
}

extension SEVConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        options.launchDigests = try Self.digests("launchDigests", &section) ?? []
        guard options.launchDigests.count <= SEVVerifier.Options.maximumDigests else {
            throw section.invalid("launchDigests", "names more than \(SEVVerifier.Options.maximumDigests) digests.")
        }
        for text in try section.texts("builds") ?? [] {
            guard let build = UInt8(text) else { throw section.invalid("builds", "has \(text), which is no build.") }
            options.builds.insert(build)
        }
        if let names = try section.texts("generations") {
            options.generations = []
            for name in names {
                guard let generation = SEVGeneration.allCases.first(where: { $0.name == name }) else {
                    let known = SEVGeneration.allCases.map(\.name).joined(separator: ", ")
                    throw section.invalid("generations", "has \(name); known here: \(known).")
                }
                options.generations.insert(generation)
            }
        }
        options.chips = try Self.digests("chips", &section)
        if let text = try section.text("minimumAPI") { options.minimumAPI = try Self.version(text, section) }
        options.requiresEncryptedState = !(try section.flag("allowUnencryptedState") ?? false)
        try section.finish()
    }

    private static func version(
        _ text: String, _ section: ConfigurationSection
    ) throws(ConfigurationError) -> SEVInterfaceVersion {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 2, let major = parts[0], let minor = parts[1],
            SEVInterfaceVersion(major: major, minor: minor) >= .bindsSecrets
        else { throw section.invalid("minimumAPI", "must be a version such as 1.49, and no older than 0.17.") }
        return SEVInterfaceVersion(major: major, minor: minor)
    }

    private static func digests(
        _ key: String, _ section: inout ConfigurationSection
    ) throws(ConfigurationError) -> Set<[UInt8]>? {
        guard let texts = try section.texts(key) else { return nil }
        var digests: Set<[UInt8]> = []
        for text in texts {
            guard let bytes = try? Hex.decode(text), bytes.count == 32 else {
                throw section.invalid(key, "has \(text), which is not 32 bytes in hexadecimal digits.")
            }
            digests.insert(bytes)
        }
        return digests
    }
}
