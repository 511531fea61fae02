extension ResourceRepository {
    /// Of one shape no more resources are looked at.
    public static let maximumResourcesOfShape = 250
    /// The most different shapes of one question.
    public static let maximumShapes = 4_000
    /// How long the database may work on an answer.
    private static let patience: Duration = .seconds(2)

    /// How many resources that have a value each set of shapes is about, in the order of the question.
    ///
    /// The answer costs the same however many resources there are: what is behind the first ``maximumResourcesOfShape`` of a
    /// shape's repository, or type, is not looked at, and a shape of several sets is looked at once. It is found on a
    /// connection of its own, so that nothing else waits for it.
    ///
    /// - Throws: `invalid` for more than ``maximumShapes`` different shapes, `timeout` when the database took too long.
    public func matches(_ sets: [Set<ResourceShape>]) async throws(StorageError) -> [ResourceCount] {
        var places: [ResourceShape: Int] = [:]
        var shapes: [ResourceShape] = []
        for shape in sets.joined() where places[shape] == nil {
            places[shape] = shapes.count
            shapes.append(shape)
        }
        guard shapes.count <= Self.maximumShapes else { throw .invalid("there are too many shapes of resources") }
        guard !shapes.isEmpty else { return sets.map { _ in .known(0) } }
        let bounds = shapes.map(\.bounds)
        func column(_ index: Int) -> [String] { shapes.map { $0.segments[index] ?? "" } }
        let pairs = sets.enumerated().flatMap { index, set in set.compactMap { places[$0].map { (index, $0) } } }
        let rows = try await database.readAside(
            Self.countMatches,
            [
                bounds.map(\.low), bounds.map(\.high), column(0), column(1), column(2),
                pairs.map { String($0.0) }, pairs.map { String($0.1 + 1) },
            ].map(TextArray.literal) + [String(Self.maximumResourcesOfShape)], within: Self.patience)
        var counts = sets.map { _ in ResourceCount.known(0) }
        for row in rows {
            guard row.count == 3, let index = row[0].flatMap({ Int($0) }), counts.indices.contains(index),
                let count = row[1].flatMap({ Int($0) })
            else { throw .internal("the count of resources has no such form") }
            counts[index] = count == 0 && row[2] == "t" ? .unknown : .known(count)
        }
        return counts
    }

    private static let countMatches = """
        WITH shapes AS (
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                WITH ORDINALITY AS s (low, high, repository, type, tag, id)
        ), found AS MATERIALIZED (
            SELECT s.id, m.path, m.place, m.is_match
            FROM shapes s
            CROSS JOIN LATERAL (
                SELECT l.path, l.place,
                    (s.repository = '' OR split_part(l.path, '/', 1) = s.repository)
                    AND (s.type = '' OR split_part(l.path, '/', 2) = s.type)
                    AND (s.tag = '' OR split_part(l.path, '/', 3) = s.tag)
                    AND EXISTS (
                        SELECT FROM resource_versions v WHERE v.path = l.path AND v.wrapped_key IS NOT NULL
                    ) AS is_match
                FROM (
                    SELECT r.path, row_number() OVER () AS place FROM resources r
                    WHERE r.path >= s.low AND r.path < s.high LIMIT $8::bigint
                ) l
            ) m
            WHERE m.is_match OR m.place >= $8::bigint
        )
        SELECT a.question, count(DISTINCT f.path) FILTER (WHERE f.is_match),
            coalesce(max(f.place), 0) >= $8::bigint
        FROM unnest($6::text[], $7::text[]) AS a (question, shape)
        JOIN found f ON f.id = a.shape::bigint
        GROUP BY a.question
        """
}
