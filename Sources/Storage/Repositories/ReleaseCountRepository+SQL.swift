extension ReleaseCountRepository {
    /// The releases that count, the newest first and no more than there may be.
    private static let counted = """
        SELECT at FROM release_uses
        WHERE policy = $1::text AND ($2::text IS NULL OR path = $2::text) AND ($3::text IS NULL OR instance = $3::text)
            AND ($4::text IS NULL OR tenant = $4::text) AND ($5::timestamptz IS NULL OR at > $5::timestamptz)
        ORDER BY at DESC LIMIT $6::bigint
        """

    static let select = SQL(
        """
        SELECT u.used, u.first_at, o.at, h.held, h.first_end
        FROM (SELECT count(*) AS used, min(at) AS first_at FROM (\(counted)) c) u,
            LATERAL (
                SELECT min(at) AS at FROM release_uses
                WHERE policy = $1::text AND ($2::text IS NULL OR path = $2::text) AND instance = $7::text
            ) o,
            LATERAL (
                SELECT count(*) AS held, min(expires_at) AS first_end FROM release_holds
                WHERE policy = $1::text AND path = $8::text AND holder <> $9::text AND expires_at > $10::timestamptz
            ) h
        """)

    // A statement of its own: what is counted after it is seen as it is once everybody before has committed.
    static let lock = SQL("SELECT claviger_lock($1::text[], $2::text[])")

    static let requireRoom = SQL(
        """
        SELECT claviger_require((SELECT count(*) FROM (\(counted)) c) < $6::bigint, 'as many releases as there may be')
        """)

    static let requireFirst = SQL(
        """
        SELECT claviger_require($3::text IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM release_uses
            WHERE policy = $1::text AND ($2::text IS NULL OR path = $2::text) AND instance = $3::text
        ), 'the instance had its release')
        """)

    static let requireFreeHold = SQL(
        """
        SELECT claviger_require((
            SELECT count(*) FROM release_holds
            WHERE policy = $1::text AND path = $2::text AND holder <> $3::text AND expires_at > $4::timestamptz
        ) < $5::bigint, 'as many holders as there may be')
        """)

    private static let standing = """
        id = ANY ($1::text[]) AND policy = $2::text AND path = $3::text AND revoked_at IS NULL AND used_by IS NULL
            AND expires_at > $4::timestamptz
        """

    static let requireApprovals = SQL(
        """
        WITH standing AS (SELECT issuer, subject FROM approvals WHERE \(standing) FOR SHARE)
        SELECT claviger_require(count(DISTINCT (issuer, subject)) = $5::bigint AND $6::text IS NOT NULL,
            'an approval does not stand any more')
        FROM standing
        """)

    static let spendApprovals = SQL(
        """
        WITH standing AS (
            UPDATE approvals SET used_at = $4::timestamptz, used_by = $6::text WHERE \(standing) RETURNING issuer, subject
        )
        SELECT claviger_require(count(DISTINCT (issuer, subject)) = $5::bigint, 'an approval does not stand any more')
        FROM standing
        """)

    static let insertUse = SQL(
        """
        INSERT INTO release_uses (policy, path, tenant, instance, at, decision, keep_until)
        VALUES ($1::text, $2::text, $3::text, $4::text, $5::timestamptz, $6::text, $7::timestamptz)
        """)

    static let upsertHold = SQL(
        """
        INSERT INTO release_holds AS h (policy, path, holder, instance, since, expires_at, decision)
        VALUES ($1::text, $2::text, $3::text, $4::text, $5::timestamptz, $6::timestamptz, $7::text)
        ON CONFLICT (policy, path, holder) DO UPDATE SET expires_at = greatest(h.expires_at, excluded.expires_at),
            decision = excluded.decision
        """)

    static let removeOfInstance = SQL(
        """
        WITH removed_uses AS (
            DELETE FROM release_uses
            WHERE policy = $1::text AND instance = $2::text AND ($3::text IS NULL OR path = $3::text) RETURNING 1
        ), removed_holds AS (
            DELETE FROM release_holds
            WHERE policy = $1::text AND instance = $2::text AND ($3::text IS NULL OR path = $3::text) RETURNING 1
        ), removed AS (
            SELECT (SELECT count(*) FROM removed_uses) AS uses, (SELECT count(*) FROM removed_holds) AS holds
        )
        SELECT uses, holds, claviger_require(uses + holds > 0, 'nothing is counted') IS NULL FROM removed
        """)

    // Brokers that sweep at the same time skip each other's rows.
    static let removeEnded = SQL(
        """
        WITH old_uses AS (
            DELETE FROM release_uses WHERE id IN (
                SELECT id FROM release_uses WHERE keep_until < $1::timestamptz LIMIT $2::bigint FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ), old_holds AS (
            DELETE FROM release_holds WHERE (policy, path, holder) IN (
                SELECT policy, path, holder FROM release_holds WHERE expires_at < $1::timestamptz
                LIMIT $2::bigint FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        )
        SELECT (SELECT count(*) FROM old_uses) + (SELECT count(*) FROM old_holds)
        """)
}
