import Collateral
import Encodings
import Foundation
import Synchronization

@testable import RATS

/// The time at which most tests begin.
let noon = Date(timeIntervalSince1970: 1_771_500_000)

extension CollateralName {
    static let sample = CollateralName(segments: "test", "list", "a")
    static let other = CollateralName(segments: "test", "list", "b")
}

extension CollateralItem {
    /// An item that ``PlainInspector`` believes.
    static func plain(
        issued: Date = noon, life: TimeInterval? = 86_400 * 30, sequence: Int64? = 1, text: String = ""
    ) -> CollateralItem {
        var content: JSONObject = ["issued": .int(Int64(issued.timeIntervalSince1970)), "text": .string(text)]
        if let life { content["next"] = .int(Int64(issued.timeIntervalSince1970 + life)) }
        if let sequence { content["sequence"] = .int(sequence) }
        return CollateralItem(body: content.serialized(), issuerChain: [[1, 2, 3]])
    }
}

/// Believes every item of a name `test/…` that is JSON and does not call itself forged.
struct PlainInspector: CollateralInspector {
    func inspect(
        _ item: CollateralItem, named name: CollateralName
    ) throws(CollateralError) -> CollateralValidity {
        guard name.segments.first == "test" else { throw .unknown(name, "not a test.") }
        guard let content = try? JSONObject(parsing: item.body), let issued = content["issued"]?.intValue,
            content["text"] != "forged"
        else { throw CollateralError(code: "signature_invalid", message: "forged") }
        return CollateralValidity(
            issued: Date(timeIntervalSince1970: Double(issued)),
            nextUpdate: (content["next"]?.intValue).map { Date(timeIntervalSince1970: Double($0)) },
            sequence: content["sequence"]?.uintValue)
    }
}

/// A clock that a test turns.
final class TurnedClock: Sendable {
    private let date = Mutex(noon)
    var wall: WallClock { WallClock { self.date.withLock { $0 } } }
    var now: Date { date.withLock { $0 } }
    func advance(by seconds: TimeInterval) { date.withLock { $0 += seconds } }
}
