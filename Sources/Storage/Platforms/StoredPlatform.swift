public import Encodings
public import FoundationEssentials

/// A machine as some evidence shows it.
public struct PlatformSighting: Sendable, Hashable {
    /// The digest that names the machine, 32 bytes.
    public let id: [UInt8]
    /// Who made it and counts its levels.
    public let maker: String
    /// Security versions by the names of their components, none below zero.
    public let levels: [String: Int64]
    /// What people want to know besides.
    public let about: JSONObject

    /// A sighting from its parts.
    public init(id: [UInt8], maker: String, levels: [String: Int64], about: JSONObject) {
        self.id = id
        self.maker = maker
        self.levels = levels
        self.about = about
    }
}

/// What is remembered of a machine.
public struct StoredPlatform: Sendable, Hashable {
    /// The digest that names the machine, 32 bytes.
    public let id: [UInt8]
    /// Who made it.
    public let maker: String
    /// The highest level of each component that it was ever accepted with; zeros are left out.
    public let levels: [String: Int64]
    /// What was known besides when a level rose last.
    public let about: JSONObject
    /// When it was accepted first, by the database's clock, as all times here.
    public let firstSeen: Date
    /// When a level rose last.
    public let raisedAt: Date
    /// When it was accepted last, give or take ``PlatformRepository/sightingGranularity``.
    public let lastSeen: Date
    /// Whether the row is as a broker left it.
    public let isAuthentic: Bool
}

/// The levels that a row holds, in the one form that is sealed and stored.
struct PlatformLevelText {
    let levels: [String: Int64]

    init(_ levels: [String: Int64]) { self.levels = levels.filter { $0.value > 0 } }

    /// Throws `corrupt`.
    init(stored text: String) throws(StorageError) {
        guard let object = try? JSONObject(parsing: Array(text.utf8)) else { throw Self.malformed }
        var levels: [String: Int64] = [:]
        for (name, value) in object {
            guard let level = value.intValue else { throw Self.malformed }
            levels[name] = level
        }
        self.levels = levels
    }

    var text: String {
        JSONObject(levels.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.int($0.value)) }).serializedString()
    }

    private static let malformed = StorageError.corrupt("the levels of a machine cannot be read")
}
