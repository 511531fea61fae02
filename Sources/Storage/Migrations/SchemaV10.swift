extension Migration {
    /// The last request of each source about each thing: its policies, which are one thing, and every secret.
    static let sourceRequests = Migration(
        version: 10, name: "source requests",
        text: """
            CREATE TABLE source_requests (
                source text COLLATE "C" NOT NULL REFERENCES policy_sources (name) ON DELETE CASCADE,
                subject text COLLATE "C" NOT NULL,
                fence bigint NOT NULL,
                sequence bigint NOT NULL,
                noted_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (source, subject)
            );
            """)
}
