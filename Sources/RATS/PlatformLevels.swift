public import Encodings

/// How new the firmware of the machine behind some evidence is, with what tells this machine from all others.
///
/// Only numbers that the machine's own firmware and hardware answer for belong here, each of which grows with every
/// security release: what depends on when a guest was started, or on the time of the check, would look like a rollback.
public struct PlatformLevels: Sendable, Hashable {
    /// Who made the machine and counts its levels.
    public enum Maker: String, Sendable, Hashable, CaseIterable {
        /// AMD: the machine is a processor.
        case amd
        /// Intel: the machine is a processor package, or several that were registered together.
        case intel
    }

    /// Who made the machine.
    public let maker: Maker
    /// What the maker certified the machine under, bytes that no other machine has.
    public let identifier: [UInt8]
    /// Security versions by the names of their components.
    public let levels: [String: Int64]
    /// What people want to know of the machine beside its levels; nothing is compared.
    public let about: JSONObject

    /// The levels of a machine; `nil` when it hides what it is: an identifier that is empty or zero names nobody.
    public init?(maker: Maker, identifier: [UInt8], levels: [String: Int64], about: JSONObject) {
        guard identifier.contains(where: { $0 != 0 }) else { return nil }
        self.maker = maker
        self.identifier = identifier
        self.levels = levels
        self.about = about
    }

    /// The step of a verifier that found these levels, or none.
    public static func step(_ levels: PlatformLevels?) -> VerificationStep {
        levels == nil
            ? .skipped("machine", "it hides its identifier, so that older firmware than before cannot be noticed")
            : .passed("machine", "named by its maker")
    }
}
