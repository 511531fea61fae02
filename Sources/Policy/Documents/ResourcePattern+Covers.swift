extension ResourcePattern {
    /// Whether every path that `other` matches is matched by this pattern as well.
    package func covers(_ other: ResourcePattern) -> Bool {
        var place = 0
        for segment in segments {
            if case .rest = segment { return true }
            guard other.segments.indices.contains(place) else { return false }
            switch (segment, other.segments[place]) {
            case (_, .rest): return false
            case (.one, _): break
            case (.literal(let left), .literal(let right)):
                guard left.utf8.elementsEqual(right.utf8) else { return false }
            case (.literal, .one), (.rest, _): return false
            }
            place += 1
        }
        return place == other.segments.count
    }

    /// The same over resources, which have three segments: `a/*/*` covers `a/**`.
    package func coversResources(of other: ResourcePattern) -> Bool {
        guard let mine = resourceSegments, let theirs = other.resourceSegments else { return false }
        return zip(mine, theirs).allSatisfy { $0 == .one || $0 == $1 }
    }

    /// What the pattern asks of each of the three segments of a resource; nothing when it can match none.
    private var resourceSegments: [Segment]? {
        guard segments.last == .rest else { return segments.count == 3 ? segments : nil }
        let fixed = segments.dropLast()
        guard fixed.count <= 3 else { return nil }
        return fixed + Array(repeating: .one, count: 3 - fixed.count)
    }

    /// What the pattern asks of the three segments of a resource, nil for anything; nothing when it can match none.
    var resourceShape: [String?]? {
        resourceSegments?.map { segment in
            if case .literal(let text) = segment { return text }
            return nil
        }
    }

    /// Whether some path is matched by both patterns.
    package func meets(_ other: ResourcePattern) -> Bool {
        for (left, right) in zip(segments, other.segments) {
            switch (left, right) {
            case (.rest, _), (_, .rest): return true
            case (.literal(let first), .literal(let second)):
                guard first.utf8.elementsEqual(second.utf8) else { return false }
            default: break
            }
        }
        if segments.count == other.segments.count { return true }
        let longer = segments.count > other.segments.count ? segments : other.segments
        // '**' stands for no segment as well.
        return longer.count == min(segments.count, other.segments.count) + 1 && longer.last == .rest
    }
}
