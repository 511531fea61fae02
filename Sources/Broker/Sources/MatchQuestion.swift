import Policy
import Storage

/// What is asked about the resources that accepted release policies are about: a bounded question, of which each namespace has
/// its turn.
struct MatchQuestion {
    /// Of one policy no more patterns are asked about.
    static let maximumShapesOfDocument = 32

    private(set) var shapes: [ResourceShape] = []
    /// The documents that are asked about, by place, and whether the question has all of their patterns.
    private var asked: [Int: Bool] = [:]

    init(_ verdicts: [SourceVerdict]) {
        var left = ResourceRepository.maximumShapes
        for (place, patterns) in Self.inTurn(verdicts) {
            let kept = patterns.prefix(Self.maximumShapesOfDocument)
            guard kept.count <= left else { continue }
            left -= kept.count
            shapes += kept.map { ResourceShape(document: place, segments: $0) }
            asked[place] = kept.count == patterns.count
        }
    }

    /// The number of resources of each document, by its place; none where it is not known.
    func counts(_ found: [Int: Int?]) -> [Int: Int] {
        var counts: [Int: Int] = [:]
        for (place, isWhole) in asked {
            switch found[place] {
            case .some(.some(let count)): counts[place] = count
            // Not all of its resources were looked at.
            case .some(.none): break
            case .none: if isWhole { counts[place] = 0 }
            }
        }
        return counts
    }

    /// The patterns of each release policy, each once: first one policy of every namespace, then another of each.
    private static func inTurn(_ verdicts: [SourceVerdict]) -> [(place: Int, patterns: [[String?]])] {
        var turns: [String?: Int] = [:]
        var policies: [(turn: Int, place: Int, patterns: [[String?]])] = []
        for (place, verdict) in verdicts.enumerated() {
            guard case .release(let spec) = verdict.accepted?.spec else { continue }
            let namespace = verdict.key?.namespace
            var seen: Set<[String?]> = []
            let patterns = spec.match.resourceShapes.filter { seen.insert($0).inserted }
            policies.append((turns[namespace, default: 0], place, patterns))
            turns[namespace, default: 0] += 1
        }
        return policies.sorted { ($0.turn, $0.place) < ($1.turn, $1.place) }.map { ($0.place, $0.patterns) }
    }
}
