import Guest

/// Why the program ends, and with which status.
struct AgentFailure: Error {
    static let noTEE: Int32 = 69
    static let cannotListen: Int32 = 71
    static let secretChanged: Int32 = 75
    static let badSetting: Int32 = 78

    let status: Int32
    let message: String

    init(_ status: Int32, _ message: String) {
        self.status = status
        self.message = message
    }

    init(_ error: GuestError) {
        self.init(error.code == .noTEE ? Self.noTEE : Self.badSetting, error.description)
    }

    /// A single piece of work that was refused.
    static func refusal(_ error: GuestError) -> AgentFailure {
        AgentFailure(1, "[\(error.code.rawValue)] \(error)")
    }
}
