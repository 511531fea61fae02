extension Migration {
    /// The first schema. Every ciphertext column holds bytes that only the broker's key ring opens.
    static let initial = Migration(
        version: 1, name: "initial",
        text: """
            CREATE FUNCTION claviger_require(holds boolean, message text) RETURNS void LANGUAGE plpgsql AS $body$
            BEGIN
                IF holds IS NOT TRUE THEN RAISE EXCEPTION '%', message USING ERRCODE = 'CV409'; END IF;
            END
            $body$;

            CREATE TABLE nonces (
                hash bytea PRIMARY KEY,
                expires_at timestamptz NOT NULL
            );
            CREATE INDEX nonces_expires_at ON nonces (expires_at);

            CREATE TABLE sessions (
                hash bytea PRIMARY KEY,
                sealed bytea NOT NULL,
                subjects text[] NOT NULL,
                expires_at timestamptz NOT NULL
            );
            CREATE INDEX sessions_expires_at ON sessions (expires_at);

            CREATE TABLE resources (
                path text COLLATE "C" PRIMARY KEY,
                tenant text COLLATE "C" NOT NULL,
                last_version bigint NOT NULL,
                deleted_through bigint NOT NULL DEFAULT 0
            );

            CREATE TABLE resource_versions (
                path text COLLATE "C" NOT NULL REFERENCES resources (path),
                version bigint NOT NULL,
                content_type text,
                key_id text COLLATE "C",
                wrapped_key bytea,
                ciphertext bytea,
                created_at timestamptz NOT NULL DEFAULT now(),
                created_by text NOT NULL,
                destroyed_at timestamptz,
                destroyed_by text,
                PRIMARY KEY (path, version),
                CHECK ((destroyed_at IS NULL) = (wrapped_key IS NOT NULL)),
                CHECK ((destroyed_at IS NULL) = (ciphertext IS NOT NULL)),
                CHECK ((destroyed_at IS NULL) = (key_id IS NOT NULL))
            );
            ALTER TABLE resource_versions ALTER COLUMN ciphertext SET STORAGE EXTERNAL;
            CREATE INDEX resource_versions_live ON resource_versions (path, version DESC) WHERE wrapped_key IS NOT NULL;
            CREATE INDEX resource_versions_key_id ON resource_versions (key_id) WHERE wrapped_key IS NOT NULL;

            CREATE TABLE generation (
                only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
                value bigint NOT NULL,
                changed_at timestamptz NOT NULL DEFAULT now()
            );
            INSERT INTO generation (value) VALUES (0);

            CREATE TABLE policies (
                kind text COLLATE "C" NOT NULL,
                namespace text COLLATE "C" NOT NULL,
                name text COLLATE "C" NOT NULL,
                body text NOT NULL,
                digest text NOT NULL,
                origin text NOT NULL,
                generation bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(),
                updated_by text NOT NULL,
                PRIMARY KEY (kind, namespace, name)
            );
            CREATE INDEX policies_origin ON policies (origin);

            CREATE TABLE reference_values (
                name text COLLATE "C" PRIMARY KEY,
                value text NOT NULL,
                expires_at timestamptz,
                generation bigint NOT NULL,
                updated_at timestamptz NOT NULL DEFAULT now(),
                updated_by text NOT NULL
            );

            CREATE TABLE policy_history (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                generation bigint NOT NULL,
                change text NOT NULL CHECK (change IN ('put', 'delete')),
                kind text COLLATE "C" NOT NULL,
                namespace text COLLATE "C" NOT NULL,
                name text COLLATE "C" NOT NULL,
                body text,
                digest text,
                origin text NOT NULL,
                changed_at timestamptz NOT NULL DEFAULT now(),
                changed_by text NOT NULL
            );
            CREATE INDEX policy_history_object ON policy_history (kind, namespace, name, id DESC);
            CREATE INDEX policy_history_generation ON policy_history (generation);

            CREATE TABLE decisions (
                id text COLLATE "C" PRIMARY KEY,
                at timestamptz NOT NULL,
                allowed boolean NOT NULL,
                code text NOT NULL,
                reason text NOT NULL,
                operation text NOT NULL,
                plugin text NOT NULL,
                path text COLLATE "C" NOT NULL,
                tenant text COLLATE "C",
                tee text,
                session text,
                bundle_digest text NOT NULL,
                trace jsonb NOT NULL,
                claims jsonb NOT NULL
            );
            CREATE INDEX decisions_path ON decisions (path, id DESC);
            CREATE INDEX decisions_tenant ON decisions (tenant, id DESC);
            CREATE INDEX decisions_denied ON decisions (id DESC) WHERE NOT allowed;

            CREATE TABLE signing_keys (
                id text COLLATE "C" PRIMARY KEY,
                purpose text COLLATE "C" NOT NULL,
                algorithm text NOT NULL,
                public_jwk text NOT NULL,
                certificates text,
                key_id text COLLATE "C" NOT NULL,
                sealed_private_key bytea NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now(),
                retires_at timestamptz
            );
            CREATE UNIQUE INDEX signing_keys_active ON signing_keys (purpose) WHERE retires_at IS NULL;

            CREATE TABLE revocations (
                subject text COLLATE "C" PRIMARY KEY,
                until timestamptz NOT NULL,
                reason text NOT NULL,
                revoked_at timestamptz NOT NULL DEFAULT now(),
                revoked_by text NOT NULL
            );
            CREATE INDEX revocations_until ON revocations (until);
            """)
}
