extension Migration {
    /// What brokered secrets remember of themselves; their values are resources like any other.
    static let brokeredSecrets = Migration(
        version: 9, name: "brokered secrets",
        text: """
            CREATE TABLE brokered_secrets (
                namespace text COLLATE "C" NOT NULL,
                name text COLLATE "C" NOT NULL,
                source text COLLATE "C" NOT NULL,
                path text COLLATE "C" UNIQUE,
                next_rotation bigint,
                revision bigint NOT NULL,
                key_id text COLLATE "C" NOT NULL,
                content bytea NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (namespace, name)
            );
            CREATE INDEX brokered_secrets_next_rotation ON brokered_secrets (next_rotation)
                WHERE next_rotation IS NOT NULL;
            """)
}
