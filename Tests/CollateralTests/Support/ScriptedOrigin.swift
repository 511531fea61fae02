import Collateral
import RATS
import Synchronization

/// An origin that answers what a test told it to.
final class ScriptedOrigin: CollateralOrigin {
    typealias Answer = Result<CollateralItem, CollateralFetchFailure>

    let name: String
    let usesNetwork: Bool
    private let state: Mutex<(answer: Answer, asked: Int)>

    init(_ answer: Answer, name: String = "scripted", usesNetwork: Bool = true) {
        self.name = name
        self.usesNetwork = usesNetwork
        state = Mutex((answer, 0))
    }

    /// How often it was asked.
    var asked: Int { state.withLock { $0.asked } }

    /// What it answers from now on.
    func answer(_ answer: Answer) { state.withLock { $0.answer = answer } }

    func provides(_ name: CollateralName) -> Bool { true }

    func item(_ name: CollateralName) async throws(CollateralFetchFailure) -> CollateralItem {
        let answer = state.withLock { state in
            state.asked += 1
            return state.answer
        }
        // Others get the time to ask too.
        try? await Task.sleep(for: .milliseconds(20))
        return try answer.get()
    }
}
