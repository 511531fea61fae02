extension Migration {
    /// What policies with limits count, and who approved what.
    static let releaseLimits = Migration(
        version: 2, name: "release limits",
        text: """
            CREATE FUNCTION claviger_lock(alone text[], shared text[]) RETURNS void LANGUAGE plpgsql AS $body$
            DECLARE wanted record;
            BEGIN
                FOR wanted IN
                    SELECT hashtextextended(k.key, 0) AS id, bool_and(k.is_shared) AS is_shared
                    FROM (SELECT unnest(alone) AS key, false AS is_shared UNION ALL SELECT unnest(shared), true) k
                    GROUP BY 1 ORDER BY 1
                LOOP
                    IF wanted.is_shared THEN PERFORM pg_advisory_xact_lock_shared(wanted.id);
                    ELSE PERFORM pg_advisory_xact_lock(wanted.id);
                    END IF;
                END LOOP;
            END
            $body$;

            CREATE TABLE release_uses (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                policy text COLLATE "C" NOT NULL,
                path text COLLATE "C" NOT NULL,
                tenant text COLLATE "C" NOT NULL,
                instance text COLLATE "C",
                at timestamptz NOT NULL,
                decision text COLLATE "C" NOT NULL,
                keep_until timestamptz
            );
            CREATE INDEX release_uses_policy ON release_uses (policy, at DESC);
            CREATE INDEX release_uses_path ON release_uses (policy, path, at DESC);
            CREATE INDEX release_uses_instance ON release_uses (policy, instance, at DESC) WHERE instance IS NOT NULL;
            CREATE INDEX release_uses_keep_until ON release_uses (keep_until) WHERE keep_until IS NOT NULL;

            CREATE TABLE release_holds (
                policy text COLLATE "C" NOT NULL,
                path text COLLATE "C" NOT NULL,
                holder text COLLATE "C" NOT NULL,
                instance text COLLATE "C" NOT NULL,
                since timestamptz NOT NULL,
                expires_at timestamptz NOT NULL,
                decision text COLLATE "C" NOT NULL,
                PRIMARY KEY (policy, path, holder)
            );
            CREATE INDEX release_holds_expires_at ON release_holds (expires_at);

            CREATE TABLE approvals (
                id text COLLATE "C" PRIMARY KEY,
                policy text COLLATE "C" NOT NULL,
                policy_digest text COLLATE "C" NOT NULL,
                path text COLLATE "C" NOT NULL,
                issuer text NOT NULL,
                subject text NOT NULL,
                role text NOT NULL,
                instance text COLLATE "C",
                reason text NOT NULL,
                given_at timestamptz NOT NULL,
                expires_at timestamptz NOT NULL,
                revoked_at timestamptz,
                revoked_by text,
                used_at timestamptz,
                used_by text COLLATE "C",
                seal bytea NOT NULL
            );
            CREATE INDEX approvals_open ON approvals (policy, path) WHERE used_by IS NULL AND revoked_at IS NULL;
            CREATE INDEX approvals_path ON approvals (path, id DESC);
            CREATE INDEX approvals_expires_at ON approvals (expires_at);
            """)
}
