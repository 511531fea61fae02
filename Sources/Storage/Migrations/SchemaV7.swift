extension Migration {
    /// The newest firmware that each machine has shown.
    static let platforms = Migration(
        version: 7, name: "platforms",
        text: """
            CREATE TABLE platforms (
                id bytea PRIMARY KEY,
                maker text NOT NULL,
                levels text NOT NULL,
                about text NOT NULL,
                first_seen timestamptz NOT NULL DEFAULT now(),
                raised_at timestamptz NOT NULL DEFAULT now(),
                last_seen timestamptz NOT NULL DEFAULT now(),
                key_id text COLLATE "C" NOT NULL,
                seal bytea NOT NULL
            );
            CREATE INDEX platforms_last_seen ON platforms (last_seen);
            """)
}
