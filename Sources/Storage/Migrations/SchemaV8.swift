extension Migration {
    /// Those who send all their policies again and again, such as a cluster's controllers, and which of a source's objects each
    /// document is.
    static let policySources = Migration(
        version: 8, name: "policy sources",
        text: """
            CREATE TABLE policy_sources (
                name text COLLATE "C" PRIMARY KEY,
                fence bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(),
                updated_by text NOT NULL
            );

            CREATE TABLE policy_source_documents (
                kind text COLLATE "C" NOT NULL,
                namespace text COLLATE "C" NOT NULL,
                name text COLLATE "C" NOT NULL,
                source text COLLATE "C" NOT NULL REFERENCES policy_sources (name),
                uid text COLLATE "C" NOT NULL,
                PRIMARY KEY (kind, namespace, name)
            );
            CREATE INDEX policy_source_documents_source ON policy_source_documents (source);
            """)
}
