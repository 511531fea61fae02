extension Migration {
    /// What manufacturers publish so that evidence of their hardware can be verified, and how far each piece has come.
    static let collateral = Migration(
        version: 5, name: "collateral",
        text: """
            CREATE TABLE collateral (
                name text COLLATE "C" PRIMARY KEY,
                content bytea NOT NULL,
                digest bytea NOT NULL,
                source text NOT NULL,
                fetched_at timestamptz NOT NULL,
                issued_at timestamptz NOT NULL,
                next_update timestamptz,
                sequence bytea,
                key_id text COLLATE "C" NOT NULL,
                seal bytea NOT NULL
            );
            ALTER TABLE collateral ALTER COLUMN content SET STORAGE EXTERNAL;
            CREATE INDEX collateral_next_update ON collateral (next_update) WHERE next_update IS NOT NULL;

            CREATE TABLE collateral_marks (
                only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
                key_id text COLLATE "C" NOT NULL,
                entries text NOT NULL,
                mac bytea NOT NULL
            );

            -- When to ask again after a publisher said no; lost in a crash, they are asked once more.
            CREATE UNLOGGED TABLE collateral_pauses (
                subject text COLLATE "C" PRIMARY KEY,
                until timestamptz NOT NULL,
                code text NOT NULL,
                message text NOT NULL
            );
            CREATE INDEX collateral_pauses_until ON collateral_pauses (until);
            """)
}
