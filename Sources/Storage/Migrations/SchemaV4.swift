extension Migration {
    /// What attestations found out, once for all decisions about it: the ledger names it by its digest.
    static let attestationResults = Migration(
        version: 4, name: "attestation results",
        text: """
            CREATE TABLE attestation_results (
                digest bytea PRIMARY KEY,
                content text NOT NULL,
                first_at timestamptz NOT NULL DEFAULT now()
            );
            ALTER TABLE decisions ADD COLUMN attestation bytea;
            """)
}
