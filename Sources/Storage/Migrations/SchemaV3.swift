extension Migration {
    /// Signed policy bundles, the seal over everything that decides, and the brokers that are alive.
    static let policySeal = Migration(
        version: 3, name: "policy seal",
        text: """
            CREATE TABLE policy_bundles (
                name text COLLATE "C" PRIMARY KEY,
                serial bigint NOT NULL,
                digest text NOT NULL,
                body text NOT NULL,
                generation bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(),
                updated_by text NOT NULL
            );

            CREATE TABLE policy_seal (
                only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
                generation bigint NOT NULL,
                key_id text COLLATE "C" NOT NULL,
                entries text NOT NULL,
                mac bytea NOT NULL
            );

            -- Signs of life are worth nothing after a crash, so they need no log.
            CREATE UNLOGGED TABLE replicas (
                id text COLLATE "C" PRIMARY KEY,
                generation bigint NOT NULL,
                bundle_digest text NOT NULL,
                problem text,
                started_at timestamptz NOT NULL DEFAULT now(),
                seen_at timestamptz NOT NULL DEFAULT now()
            );
            """)
}
