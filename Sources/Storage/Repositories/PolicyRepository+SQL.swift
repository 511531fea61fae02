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

    static let everNamed = SQL(
        """
        SELECT DISTINCT kind, namespace, name FROM policy_history WHERE kind = $1::text
        ORDER BY kind, namespace, name LIMIT $2::bigint
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
            DELETE FROM policies p USING unnest($1::text[], $2::text[], $3::text[]) AS d (kind, namespace, name)
            WHERE (p.kind, p.namespace, p.name) = (d.kind, d.namespace, d.name) RETURNING p.*
        )
        INSERT INTO policy_history (generation, change, kind, namespace, name, origin, changed_by)
        SELECT g.value, 'delete', r.kind, r.namespace, r.name, r.origin, $4::text FROM removed r, generation g
        """)

    static let removeReferenceValues = SQL(
        """
        WITH removed AS (DELETE FROM reference_values RETURNING *)
        INSERT INTO policy_history (generation, change, kind, namespace, name, origin, changed_by)
        SELECT g.value, 'delete', 'reference-value', '', r.name, 'reference-value', $1::text
        FROM removed r, generation g
        """)

    static let removeBundles = SQL(
        """
        WITH removed AS (DELETE FROM policy_bundles WHERE name = ANY ($1::text[]) RETURNING *)
        INSERT INTO policy_history (generation, change, kind, namespace, name, origin, changed_by)
        SELECT g.value, 'delete', 'PolicyBundle', '', r.name, 'bundle/' || r.name, $2::text FROM removed r, generation g
        """)

    static let storeBundle = SQL(
        """
        WITH stored AS (
            INSERT INTO policy_bundles (name, serial, digest, body, generation, updated_by)
            SELECT $1::text, $2::bigint, $3::text, $4::text, g.value, $5::text FROM generation g
            ON CONFLICT (name) DO UPDATE SET serial = excluded.serial, digest = excluded.digest, body = excluded.body,
                generation = excluded.generation, updated_at = now(), updated_by = excluded.updated_by
            RETURNING *
        )
        INSERT INTO policy_history (generation, change, kind, namespace, name, body, digest, origin, changed_by)
        SELECT generation, 'put', 'PolicyBundle', '', name, body, digest, 'bundle/' || name, updated_by FROM stored
        """)
}
