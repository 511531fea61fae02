extension SecretRepository {
    static let select = SQL(
        """
        SELECT namespace, name, source, path, next_rotation, revision, content FROM brokered_secrets
        WHERE namespace = $1::text AND name = $2::text
        """)

    static let selectOfSource = SQL(
        """
        SELECT namespace, name, source, path, next_rotation, revision, content FROM brokered_secrets
        WHERE source = $1::text ORDER BY namespace, name LIMIT $2::bigint
        """)

    static let selectHolder = SQL("SELECT namespace, name FROM brokered_secrets WHERE path = $1::text")

    static let selectLatest = SQL(
        """
        SELECT coalesce(max(version), 0) FROM resource_versions WHERE path = $1::text AND wrapped_key IS NOT NULL
        """)

    static let selectFence = SQL("SELECT fence FROM policy_sources WHERE name = $1::text")

    static let selectAnyDue = SQL("SELECT 1 FROM brokered_secrets WHERE next_rotation <= $1::bigint LIMIT 1")

    static let selectDue = SQL(
        """
        SELECT namespace, name FROM (
            SELECT namespace, name,
                row_number() OVER (PARTITION BY namespace ORDER BY next_rotation, name) AS place
            FROM brokered_secrets WHERE next_rotation <= $1::bigint
        ) due
        WHERE place <= $2::bigint ORDER BY place, namespace LIMIT $3::bigint
        """)

    static let selectRoom = SQL(
        """
        SELECT count(*) < $3::bigint OR coalesce(bool_or(name = $2::text), false) FROM brokered_secrets
        WHERE namespace = $1::text AND path IS NOT NULL
        """)

    /// Two new secrets of a namespace are let in one after the other.
    static let lockNew = SQL(
        """
        SELECT claviger_lock(ARRAY['claviger secrets of ' || $1::text], ARRAY[]::text[])
        WHERE NOT EXISTS (
            SELECT FROM brokered_secrets WHERE namespace = $1::text AND name = $2::text AND path IS NOT NULL)
        """)

    static let requireRoom = SQL(
        """
        SELECT claviger_require(count(*) < $3::bigint, 'the namespace has too many secrets') FROM brokered_secrets
        WHERE namespace = $1::text AND path IS NOT NULL AND NOT EXISTS (
            SELECT FROM brokered_secrets WHERE namespace = $1::text AND name = $2::text AND path IS NOT NULL)
        """)

    static let lock = SQL("SELECT claviger_lock(ARRAY[$1::text], ARRAY[]::text[])")

    static let requireRevision = SQL(
        """
        SELECT claviger_require(
            coalesce((SELECT revision FROM brokered_secrets WHERE namespace = $1::text AND name = $2::text), 0)
                = $3::bigint, 'the secret was changed meanwhile')
        """)

    static let lockResource = SQL("SELECT path FROM resources WHERE path = $1::text FOR UPDATE")

    static let requireLatest = SQL(
        """
        SELECT claviger_require(
            coalesce((
                SELECT max(version) FROM resource_versions WHERE path = $1::text AND wrapped_key IS NOT NULL
            ), 0) = $2::bigint, 'the resource was changed meanwhile')
        """)

    static let prune = SQL(
        """
        UPDATE resource_versions
        SET wrapped_key = NULL, ciphertext = NULL, key_id = NULL, destroyed_at = now(), destroyed_by = $3::text
        WHERE path = $1::text AND wrapped_key IS NOT NULL AND version > $4::bigint AND version NOT IN (
            SELECT version FROM resource_versions WHERE path = $1::text AND wrapped_key IS NOT NULL
            ORDER BY version DESC LIMIT $2::bigint
        )
        """)

    static let destroyOwn = SQL(
        """
        UPDATE resource_versions
        SET wrapped_key = NULL, ciphertext = NULL, key_id = NULL, destroyed_at = now(), destroyed_by = $2::text
        WHERE path = $1::text AND wrapped_key IS NOT NULL AND version > $3::bigint
        """)

    static let put = SQL(
        """
        INSERT INTO brokered_secrets (namespace, name, source, path, next_rotation, revision, key_id, content)
        VALUES ($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::text, $8::bytea)
        ON CONFLICT (namespace, name) DO UPDATE SET source = excluded.source, path = excluded.path,
            next_rotation = excluded.next_rotation, revision = excluded.revision, key_id = excluded.key_id,
            content = excluded.content, updated_at = now()
        """)

    static let delete = SQL("DELETE FROM brokered_secrets WHERE namespace = $1::text AND name = $2::text")

    static let underOtherKeys = SQL(
        """
        SELECT namespace, name, source, path, next_rotation, revision, content FROM brokered_secrets
        WHERE key_id <> $1::text AND (namespace, name) > ($2::text, $3::text)
        ORDER BY namespace, name LIMIT $4::bigint
        """)

    static let replaceSeal = SQL(
        """
        UPDATE brokered_secrets SET key_id = $4::text, content = $5::bytea
        WHERE namespace = $1::text AND name = $2::text AND content = $3::bytea
        """)
}
