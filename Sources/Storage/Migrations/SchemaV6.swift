extension Migration {
    /// What a row of collateral can be at all, for rows that are written from now on, and the order in which chips' certificates
    /// are given up when there are too many.
    static let collateralChecks = Migration(
        version: 6, name: "collateral checks",
        text: """
            ALTER TABLE collateral
                ADD CONSTRAINT collateral_shape CHECK (
                    octet_length(digest) = 32 AND coalesce(octet_length(sequence), 8) = 8
                    AND isfinite(fetched_at) AND isfinite(issued_at) AND coalesce(isfinite(next_update), true)
                ) NOT VALID;
            CREATE INDEX collateral_permanent ON collateral (fetched_at) WHERE next_update IS NULL;
            """)
}
