/// What the database said about a statement that failed, reduced to what may be shown: the SQLSTATE and the name of a
/// violated constraint. The server's own texts quote parameter values, so they are kept only for class 42 (unknown
/// table, syntax), which speaks of the statement alone.
struct SQLFailure: Sendable, Hashable {
    let state: String
    var constraint: String?
    var primaryMessage: String?

    /// The statement was never prepared on this connection, so it has not run: it can be sent again.
    var isUnknownStatement: Bool { state == "26000" }

    /// The server will not take writes any more (demoted, shutting down): the connection has no use.
    var endsConnection: Bool { state == "25006" || state.hasPrefix("57P") || state.hasPrefix("08") }

    var error: StorageError {
        StorageError(
            code: code, message: "\(sentence) (SQLSTATE \(state)\(constraint.map { ", constraint \($0)" } ?? ""))")
    }

    private var code: StorageError.Code {
        switch state {
        case "23505", "CV409": .conflict
        case "57014": .timeout
        case "25006", "40001", "40P01", "55P03": .unavailable
        default:
            switch state.prefix(2) {
            case "08", "53", "57", "58": .unavailable
            case "22", "23": .invalid
            default: .internal
            }
        }
    }

    private var sentence: String {
        switch code {
        case .conflict: "the object is already there or has another owner"
        case .timeout: "the database cancelled a statement that took too long"
        case .unavailable: "the database cannot do this now"
        case .invalid: "the database refused a value"
        default:
            if state.hasPrefix("42"), let primaryMessage {
                "the database refused a statement: \(primaryMessage)"
            } else {
                "the database refused a statement"
            }
        }
    }
}
