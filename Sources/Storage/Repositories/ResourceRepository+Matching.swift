/// Which resources a document is about: for each of the three segments what it must be, nil for anything.
public struct ResourceShape: Sendable, Hashable {
    /// Stands for the document that the shape belongs to.
    public let document: Int
    /// Repository, type and tag.
    public let segments: [String?]

    /// A shape of a document.
    public init(document: Int, segments: [String?]) {
        self.document = document
        self.segments = segments
    }

    /// The paths that begin as the shape does lie between these two, the second excluded.
    fileprivate var bounds: (low: String, high: String) {
        let fixed = segments.prefix { $0 != nil }.compactMap(\.self)
        let prefix = fixed.joined(separator: "/")
        if fixed.isEmpty { return ("", "\u{10FFFF}") }
        // "0" comes after "/", and U+0001 before everything else that can follow.
        return fixed.count == segments.count ? (prefix, prefix + "\u{1}") : (prefix + "/", prefix + "0")
    }
}

extension ResourceRepository {
    /// Of one shape no more resources are looked at.
    public static let maximumResourcesOfShape = 250
    /// The most shapes of one question.
    public static let maximumShapes = 4_000

    /// How many resources that have a value each document is about, by document; none for those that are about none.
    ///
    /// The answer costs the same however many resources there are: what is behind the first ``maximumResourcesOfShape`` of a
    /// shape's repository, or type, is not looked at.
    ///
    /// - Returns: The number for each document that is about at least one; nil where none was found, and not all were looked at.
    /// - Throws: `invalid` for more than ``maximumShapes`` shapes.
    public func matches(_ shapes: [ResourceShape]) async throws(StorageError) -> [Int: Int?] {
        guard shapes.count <= Self.maximumShapes else { throw .invalid("there are too many shapes of resources") }
        let bounds = shapes.map(\.bounds)
        func column(_ index: Int) -> SQLValue { .texts(shapes.map { $0.segments[index] ?? "" }) }
        let rows = try await database.read(
            SQLStatement(
                Self.countMatches,
                [
                    .texts(shapes.map { String($0.document) }), .texts(bounds.map(\.low)), .texts(bounds.map(\.high)),
                    column(0), column(1), column(2), .int(Int64(Self.maximumResourcesOfShape)),
                ]))
        var counts: [Int: Int?] = [:]
        for row in rows {
            let (document, count, isCut) = (Int(try row.int(0)), Int(try row.int(1)), try row.bool(2))
            if count > 0 {
                counts.updateValue(count, forKey: document)
            } else if isCut {
                counts.updateValue(nil, forKey: document)
            }
        }
        return counts
    }

    private static let countMatches = SQL(
        """
        SELECT s.document::bigint, count(DISTINCT m.path) FILTER (WHERE m.is_match),
            coalesce(max(m.place), 0) >= $7::bigint
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            AS s (document, low, high, repository, type, tag)
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
                WHERE r.path >= s.low AND r.path < s.high LIMIT $7::bigint
            ) l
        ) m
        GROUP BY s.document
        """)
}
