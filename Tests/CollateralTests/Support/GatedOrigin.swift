import Collateral
import RATS
import Synchronization

/// An origin that keeps who asks for a kind waiting until a test opens it, and answers at once for all others.
final class GatedOrigin: CollateralOrigin {
    let name = "gated"
    let usesNetwork = true
    private let kind: String
    private let answer: CollateralItem
    private let open: AsyncStream<Void>.Continuation
    private let gate: Task<Void, Never>

    init(_ answer: CollateralItem, holding kind: String) {
        self.answer = answer
        self.kind = kind
        let opened: AsyncStream<Void>
        (opened, open) = AsyncStream.makeStream()
        gate = Task { for await _ in opened {} }
    }

    func letThrough() { open.finish() }

    func provides(_ name: CollateralName) -> Bool { true }

    func item(_ name: CollateralName) async throws(CollateralFetchFailure) -> CollateralItem {
        if name.path.hasPrefix(kind) { await gate.value }
        return answer
    }
}
