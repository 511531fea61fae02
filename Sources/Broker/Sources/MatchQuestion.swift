import Policy
import Storage

/// What is asked about the resources that accepted release policies are about. Each namespace has its turn, so that those who ask
/// for much do not keep the others from an answer.
struct MatchQuestion {
    /// Of one policy no more patterns are asked about.
    static let maximumShapesOfDocument = 32

    /// What one policy asks for.
    struct Part {
        /// The policy's place in the list.
        let place: Int
        let shapes: Set<ResourceShape>
        /// Whether these are all of its patterns.
        let isWhole: Bool
    }

    /// First one policy of every namespace, then another of each.
    let parts: [Part]

    init(_ verdicts: [SourceVerdict]) {
        var turns: [String?: Int] = [:]
        var parts: [(turn: Int, part: Part)] = []
        for (place, verdict) in verdicts.enumerated() {
            guard case .release(let spec) = verdict.accepted?.spec else { continue }
            let namespace = verdict.key?.namespace
            var shapes: Set<ResourceShape> = []
            var isWhole = true
            for segments in spec.match.resourceShapes {
                let shape = ResourceShape(segments)
                guard shapes.count < Self.maximumShapesOfDocument || shapes.contains(shape) else {
                    isWhole = false
                    break
                }
                shapes.insert(shape)
            }
            parts.append((turns[namespace, default: 0], Part(place: place, shapes: shapes, isWhole: isWhole)))
            turns[namespace, default: 0] += 1
        }
        self.parts = parts.sorted { ($0.turn, $0.part.place) < ($1.turn, $1.part.place) }.map(\.part)
    }
}
