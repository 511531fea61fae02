extension PolicyRepository {
    static let currentGeneration = SQL("SELECT value FROM generation")

    static let documents = SQL(
        """
        SELECT kind, namespace, name, body, digest, origin, generation, updated_at, updated_by FROM policies
        WHERE ($1::text IS NULL OR kind = $1::text) AND ($2::text IS NULL OR namespace = $2::text)
            AND ($3::text IS NULL OR name = $3::text) AND ($4::text IS NULL OR origin = $4::text)
        ORDER BY kind, namespace, name
        """)

    static let changes = SQL(
        """
        SELECT generation, change, kind, namespace, name, body, digest, origin, changed_at, changed_by FROM policy_history
        WHERE kind = $1::text AND namespace = $2::text AND name = $3::text ORDER BY id DESC LIMIT $4::bigint
        """)

    static let store = SQL(
        """
        WITH stored AS (
            INSERT INTO policies (kind, namespace, name, body, digest, origin, generation, updated_by)
            SELECT d.kind, d.namespace, d.name, d.body, d.digest, $6::text, g.value, $7::text
            FROM generation g, unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                AS d (kind, namespace, name, body, digest)
            ON CONFLICT (kind, namespace, name) DO UPDATE SET body = excluded.body, digest = excluded.digest,
                origin = excluded.origin, generation = excluded.generation, updated_at = now(),
                updated_by = excluded.updated_by
            RETURNING *
        )
        INSERT INTO policy_history (generation, change, kind, namespace, name, body, digest, origin, changed_by)
        SELECT generation, 'put', kind, namespace, name, body, digest, origin, updated_by FROM stored
        """)

    static let remove = SQL(
        """
        WITH removed AS (
            DELETE FROM policies WHERE kind = $1::text AND namespace = $2::text AND name = $3::text RETURNING *
        )
        INSERT INTO policy_history (generation, change, kind, namespace, name, origin, changed_by)
        SELECT g.value, 'delete', r.kind, r.namespace, r.name, r.origin, $4::text FROM removed r, generation g
        """)

    static let removeOthers = SQL(
        """
        WITH removed AS (
            DELETE FROM policies p WHERE origin = $4::text AND NOT EXISTS (
                SELECT 1 FROM unnest($1::text[], $2::text[], $3::text[]) AS d (kind, namespace, name)
                WHERE (d.kind, d.namespace, d.name) = (p.kind, p.namespace, p.name)
            ) RETURNING *
        )
        INSERT INTO policy_history (generation, change, kind, namespace, name, origin, changed_by)
        SELECT g.value, 'delete', r.kind, r.namespace, r.name, r.origin, $5::text FROM removed r, generation g
        """)

    // A source of policies that is fed by machinery must not quietly take over, and so weaken, what another one owns. What
    // a broker installed by itself is nobody's.
    static let requireOwner = SQL(
        """
        SELECT claviger_require(NOT EXISTS (
            SELECT 1 FROM policies p
            JOIN unnest($1::text[], $2::text[], $3::text[]) AS d (kind, namespace, name) USING (kind, namespace, name)
            WHERE p.origin NOT IN ($4::text, '\(installed)')
        ), 'a policy of the same name belongs to another origin')
        """)
}
