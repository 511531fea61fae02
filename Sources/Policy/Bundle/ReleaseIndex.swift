/// Finds the release policies that can be about a path without looking at the others: a tree of path segments.
struct ReleaseIndex: Sendable {
    private struct Branch: Sendable {
        var literals: [String: Int] = [:]
        var one: Int?
        /// Policies with a pattern that ends here.
        var ending: [Int] = []
        /// Policies with a pattern that goes on with anything from here.
        var rest: [Int] = []
    }

    private var branches = [Branch()]
    private var byFirstLiteral: [String: [Int]] = [:]

    /// An index of patterns by the number of the policy that they belong to.
    init(_ patterns: [(policy: Int, patterns: [ResourcePattern])]) {
        for (policy, list) in patterns {
            for pattern in list { insert(pattern, policy) }
            for name in Set(list.compactMap(\.firstLiteral)) { byFirstLiteral[name, default: []].append(policy) }
        }
    }

    private mutating func insert(_ pattern: ResourcePattern, _ policy: Int) {
        var place = 0
        for segment in pattern.segments {
            switch segment {
            case .rest:
                if branches[place].rest.last != policy { branches[place].rest.append(policy) }
                return
            case .one:
                place = branches[place].one ?? grow { $0[place].one = $1 }
            case .literal(let text):
                place = branches[place].literals[text] ?? grow { $0[place].literals[text] = $1 }
            }
        }
        if branches[place].ending.last != policy { branches[place].ending.append(policy) }
    }

    private mutating func grow(_ link: (inout [Branch], Int) -> Void) -> Int {
        let place = branches.count
        branches.append(Branch())
        link(&branches, place)
        return place
    }

    /// Numbers of the policies with a pattern that begins with this very segment, ascending.
    func related(to first: String) -> [Int] {
        byFirstLiteral[first] ?? []
    }

    /// Numbers of the policies with a pattern that can match the path, ascending, each once.
    func candidates(for path: [String]) -> [Int] { candidates(for: path, limit: .max) }

    /// The first of these, at a cost that does not depend on how many there are.
    func candidates(for path: [String], limit: Int) -> [Int] {
        var found: [Int] = []
        var places = [0]
        for segment in path {
            var next: [Int] = []
            for place in places {
                found += branches[place].rest.prefix(limit)
                if let literal = branches[place].literals[segment] { next.append(literal) }
                if let one = branches[place].one { next.append(one) }
            }
            places = next
            if places.isEmpty { break }
        }
        for place in places {
            found += branches[place].rest.prefix(limit)
            found += branches[place].ending.prefix(limit)
        }
        guard found.count > 1 else { return found }
        let sorted = Set(found).sorted()
        return sorted.count > limit ? Array(sorted.prefix(limit)) : sorted
    }
}
