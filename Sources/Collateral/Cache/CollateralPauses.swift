import FoundationEssentials
import RATS
import Storage
import Synchronization

/// Who is not asked, and for what, until when: origins that asked for patience or do not answer, and names that an origin does
/// not know or whose items were refused.
///
/// An origin pauses for one kind of collateral at a time: guests can ask for chips without end, and a publisher that has enough
/// of it is still asked for its revocation lists.
final class CollateralPauses: Sendable {
    /// Who or what is not asked for.
    enum Subject: Hashable, Sendable {
        case origin(String, kind: String)
        case name(CollateralName)

        var isName: Bool {
            if case .name = self { true } else { false }
        }

        /// The subject as replicas tell it each other.
        var text: String {
            switch self {
            case .origin(let name, let kind): "\(CollateralPause.originPrefix)\(name) \(kind)"
            case .name(let name): "name \(name)"
            }
        }
    }

    struct Pause: Sendable {
        let until: Date
        let error: CollateralError
        /// How often in a row.
        let failures: Int
    }

    private static let capacity = 8_192
    private let pauses = Mutex<[Subject: Pause]>([:])

    /// The pause of a subject that is not over.
    func current(_ subject: Subject, at now: Date) -> Pause? {
        pauses.withLock { $0[subject] }.flatMap { now < $0.until ? $0 : nil }
    }

    /// Begins a pause. Without a time that was asked for, it grows with each failure in a row: it doubles up to a limit and
    /// is drawn from its upper half, so that replicas do not come back in step.
    func begin(
        _ subject: Subject, _ error: CollateralError, at now: Date, first: Double, requested: Double? = nil
    ) -> Pause {
        pauses.withLock { pauses in
            let failures = (pauses[subject]?.failures ?? 0) + 1
            let longest = min(first * Double(1 << min(failures - 1, 20)), max(first, CollateralSettings.longestPause))
            let drawn = Double.random(in: longest / 2...longest)
            let wait = requested.map { min(max($0, 1), CollateralSettings.longestRequestedPause) } ?? drawn
            let pause = Pause(until: now.addingTimeInterval(wait), error: error, failures: failures)
            pauses[subject] = pause
            Self.shrink(&pauses, at: now)
            return pause
        }
    }

    /// Takes over what another replica told, whose clock may be another: nothing pauses for longer than an origin may ask.
    func adopt(_ subject: Subject, until: Date, _ error: CollateralError, at now: Date) {
        pauses.withLock { pauses in
            let until = min(until, now.addingTimeInterval(CollateralSettings.longestRequestedPause))
            pauses[subject] = Pause(until: until, error: error, failures: pauses[subject]?.failures ?? 0)
            Self.shrink(&pauses, at: now)
        }
    }

    /// Ends a pause, and forgets the failures.
    func end(_ subject: Subject) { pauses.withLock { _ = $0.removeValue(forKey: subject) } }

    /// Callers can name what does not exist without end, and must neither fill the memory with it nor crowd out the pauses of
    /// origins, which are few.
    private static func shrink(_ pauses: inout [Subject: Pause], at now: Date) {
        guard pauses.count > capacity else { return }
        pauses = pauses.filter { now < $0.value.until }
        while pauses.count > capacity,
            let soonest = pauses.lazy.filter(\.key.isName).min(by: { $0.value.until < $1.value.until })
        {
            pauses.removeValue(forKey: soonest.key)
        }
    }
}
