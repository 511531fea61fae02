/// Which names may follow which in an expression such as `claims.snp.measurement`.
indirect enum NameTree: Sendable {
    /// Whatever follows is not known to us; it is looked up when the expression is evaluated.
    case any
    /// A plain value: nothing may follow.
    case value
    /// Exactly these names may follow.
    case members([String: NameTree])
    /// Any name may follow, and all have the same members.
    case each(NameTree)

    /// Values with these names.
    static func values(_ names: String) -> [String: NameTree] {
        Dictionary(uniqueKeysWithValues: names.split(separator: " ").map { (String($0), NameTree.value) })
    }

    /// The first step of a path that leads nowhere.
    struct Dead {
        /// How many steps of the path are fine.
        let depth: Int
        /// The names that could have stood there; empty when nothing can follow.
        let known: [String]
    }

    /// Where a path leaves the tree, or `nil` when it stays inside.
    func deadEnd(of path: [String]) -> Dead? {
        var place = self
        for (depth, name) in path.enumerated() {
            switch place {
            case .any: return nil
            case .value: return Dead(depth: depth, known: [])
            case .each(let inner): place = inner
            case .members(let members):
                guard let inner = members[name] else { return Dead(depth: depth, known: members.keys.sorted()) }
                place = inner
            }
        }
        return nil
    }

    /// A tree with the names of both.
    func merged(with other: NameTree) -> NameTree {
        switch (self, other) {
        case (.members(let left), .members(let right)):
            .members(left.merging(right) { $0.merged(with: $1) })
        case (.value, .value): .value
        case (.each(let left), .each(let right)): .each(left.merged(with: right))
        default: .any
        }
    }
}
