/// Which connection takes a request.
///
/// Writes keep to the upper half of the connections, because a write that waits for a lock holds up what was sent after
/// it; reads go wherever the fewest writes and then the fewest requests are under way.
struct LanePicker {
    struct Lane: Sendable, Hashable {
        var isLive: Bool
        var requests: Int
        var writes: Int
    }

    static let maximumRequests = 512
    static let maximumWrites = 64

    var lanes: [Lane]

    /// The lane for one more request, which is then counted; nil when none has room.
    mutating func take(_ kind: RequestKind) -> Int? {
        let chosen =
            switch kind {
            case .read: best(lanes.indices)
            case .write: best(lanes.indices.suffix((lanes.count + 1) / 2)) ?? best(lanes.indices)
            }
        guard let chosen, kind == .read || lanes[chosen].writes < Self.maximumWrites else { return nil }
        lanes[chosen].requests += 1
        if kind == .write { lanes[chosen].writes += 1 }
        return chosen
    }

    private func best(_ candidates: some Sequence<Int>) -> Int? {
        candidates.filter { lanes[$0].isLive && lanes[$0].requests < Self.maximumRequests }
            .min { (lanes[$0].writes, lanes[$0].requests) < (lanes[$1].writes, lanes[$1].requests) }
    }
}
