extension PlatformRepository {
    private static let columns = "id, maker, levels, about, first_seen, raised_at, last_seen, seal"
    private static let isDue = "last_seen < now() - interval '\(sightingGranularity) seconds'"

    static let select = SQL("SELECT \(columns), \(isDue) FROM platforms WHERE id = $1::bytea")

    static let selectMany = SQL("SELECT \(columns) FROM platforms WHERE id > $1::bytea ORDER BY id LIMIT $2::bigint")

    static let underOtherKeys = SQL(
        "SELECT \(columns) FROM platforms WHERE key_id <> $1::text AND id > $2::bytea ORDER BY id LIMIT $3::bigint")

    static let lock = SQL("SELECT pg_advisory_xact_lock(hashtextextended('claviger platforms', 0))")

    static let store = SQL(
        """
        INSERT INTO platforms (id, maker, levels, about, key_id, seal)
        VALUES ($1::bytea, $2::text, $3::text, $4::text, $5::text, $6::bytea) ON CONFLICT (id) DO NOTHING
        """)

    static let evict = SQL(
        """
        DELETE FROM platforms WHERE id IN (
            SELECT id FROM platforms ORDER BY last_seen, id
            LIMIT greatest(0, (SELECT count(*) FROM platforms) - $1::bigint)
        )
        """)

    // The seal is made anew with each change, so that it also tells versions of a row apart.
    static let update = SQL(
        """
        UPDATE platforms SET levels = $3::text, about = $4::text, key_id = $5::text, seal = $6::bytea,
            raised_at = now(), last_seen = now()
        WHERE id = $1::bytea AND seal = $2::bytea
        """)

    static let touch = SQL("UPDATE platforms SET last_seen = now() WHERE id = $1::bytea AND \(isDue)")

    static let replaceSeal = SQL(
        "UPDATE platforms SET key_id = $3::text, seal = $4::bytea WHERE id = $1::bytea AND seal = $2::bytea")

    static let remove = SQL(
        """
        WITH removed AS (DELETE FROM platforms WHERE id = $1::bytea RETURNING 1)
        SELECT claviger_require(EXISTS (SELECT 1 FROM removed), 'nothing is remembered of this machine')
        """)
}
