import Encodings

/// One thing that was looked at, and what was found.
struct HealthFinding {
    /// Whether all is well.
    enum State: String {
        case ok
        /// Somebody has to do something.
        case problem
        /// The caller may not see it, so nobody can say.
        case unknown
    }

    let subject: String
    let state: State
    let details: String

    static func ok(_ subject: String, _ details: String) -> HealthFinding {
        HealthFinding(subject: subject, state: .ok, details: details)
    }

    static func problem(_ subject: String, _ details: String) -> HealthFinding {
        HealthFinding(subject: subject, state: .problem, details: details)
    }

    static func unknown(_ subject: String, _ details: String) -> HealthFinding {
        HealthFinding(subject: subject, state: .unknown, details: details)
    }

    /// The names of what is wrong, as many as a line takes.
    static func list(_ names: [String]) -> String {
        names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
    }

    func json() -> JSONObject {
        ["subject": .string(subject), "state": .string(state.rawValue), "details": .string(details)]
    }
}
