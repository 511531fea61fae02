public import FoundationEssentials

/// A measurement in verified evidence.
public struct MeasurementSighting: Sendable, Hashable {
    /// The kind of hardware, by its name in tokens.
    public let tee: String
    /// The claim, such as `quote.body.mr_td`.
    public let claim: String
    /// Its value, as text.
    public let value: String

    /// A measurement.
    public init(tee: String, claim: String, value: String) {
        self.tee = tee
        self.claim = claim
        self.value = value
    }
}

/// A measurement that was seen, and when.
public struct StoredMeasurement: Sendable, Hashable {
    /// The measurement.
    public let sighting: MeasurementSighting
    /// When evidence showed it for the first time, by the database's clock.
    public let firstSeen: Date
    /// When evidence showed it last, to within ``MeasurementRepository/sightingGranularity``.
    public let lastSeen: Date
}

/// The measurements that verified evidence showed, shared by all brokers on a database.
///
/// They decide nothing: whoever can write to the database can add and remove some.
public struct MeasurementRepository: Sendable {
    /// The most measurements that are remembered; those that were not seen for longest go first.
    public static let maximumMeasurements: Int64 = 10_000
    /// Sightings of what is known are written down no more often than this, in seconds.
    public static let sightingGranularity: Int64 = 3_600

    private let database: Database
    private let limit: Int64

    /// A repository over a migrated database.
    ///
    /// - Parameter limit: The most measurements that are remembered.
    public init(_ database: Database, limit: Int64 = maximumMeasurements) {
        self.database = database
        self.limit = limit
    }

    /// Notes measurements; returns those that were never seen before, which only one of several brokers is told.
    public func note(_ sightings: [MeasurementSighting]) async throws(StorageError) -> [MeasurementSighting] {
        guard !sightings.isEmpty else { return [] }
        let columns: [SQLValue] = [
            .texts(sightings.map(\.tee)), .texts(sightings.map(\.claim)), .texts(sightings.map(\.value)),
        ]
        let results = try await database.transaction([
            try SQLStatement(Self.insert, columns), try SQLStatement(Self.touch, columns),
            try SQLStatement(Self.evict, [.int(limit)]),
        ])
        var new: [MeasurementSighting] = []
        for row in results[0] {
            new.append(
                MeasurementSighting(tee: try row.text(0), claim: try row.text(1), value: try row.text(2)))
        }
        return new
    }

    /// The measurements, those that were first seen last before others; at most `limit`.
    public func list(limit: Int) async throws(StorageError) -> [StoredMeasurement] {
        var measurements: [StoredMeasurement] = []
        for row in try await database.read(SQLStatement(Self.select, [.int(Int64(max(0, limit)))])) {
            measurements.append(
                StoredMeasurement(
                    sighting: MeasurementSighting(
                        tee: try row.text(0), claim: try row.text(1), value: try row.text(2)),
                    firstSeen: try row.date(3), lastSeen: try row.date(4)))
        }
        return measurements
    }

    private static let rows = "unnest($1::text[], $2::text[], $3::text[])"

    private static let insert = SQL(
        """
        INSERT INTO measurement_sightings (tee, claim, value) SELECT DISTINCT * FROM \(rows)
        ON CONFLICT (tee, claim, value) DO NOTHING RETURNING tee, claim, value
        """)

    private static let touch = SQL(
        """
        UPDATE measurement_sightings m SET last_seen = now() FROM \(rows) AS s (tee, claim, value)
        WHERE (m.tee, m.claim, m.value) = (s.tee, s.claim, s.value)
            AND m.last_seen < now() - interval '\(sightingGranularity) seconds'
        """)

    private static let evict = SQL(
        """
        DELETE FROM measurement_sightings WHERE ctid IN (
            SELECT ctid FROM measurement_sightings ORDER BY last_seen
            LIMIT greatest(0, (SELECT count(*) FROM measurement_sightings) - $1::bigint)
        )
        """)

    private static let select = SQL(
        """
        SELECT tee, claim, value, first_seen, last_seen FROM measurement_sightings
        ORDER BY first_seen DESC, tee, claim, value LIMIT $1::bigint
        """)
}
