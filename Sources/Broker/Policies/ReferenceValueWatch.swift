import Synchronization

/// Remembers which reference values have a gauge, and for which it was said that they end soon.
final class ReferenceValueWatch: Sendable {
    struct Name: Hashable, Sendable {
        let name: String
        let namespace: String
    }

    private struct State {
        var gauges: Set<Name> = []
        var warned: [Name: Double] = [:]
    }

    private let state = Mutex(State())

    /// Notes the values that end some time; returns those that were noted before and are not there any more.
    func replace(with names: Set<Name>) -> Set<Name> {
        state.withLock { state in
            defer { state.gauges = names }
            return state.gauges.subtracting(names)
        }
    }

    /// Whether nothing was said about a value for a day.
    func isDue(_ name: Name, at second: Double) -> Bool {
        state.withLock { state in
            if let last = state.warned[name], abs(second - last) < 86_400 { return false }
            if state.warned.count > 10_000 { state.warned = [:] }
            state.warned[name] = second
            return true
        }
    }
}
