import Encodings

/// The ledger of decisions.
public struct DecisionRepository: Sendable {
    private let database: Database
    private let commits: GroupCommit<DecisionRecord>

    /// A repository over a migrated database. Appends share commits only within one repository value and its copies.
    public init(_ database: Database) {
        self.database = database
        commits = GroupCommit(batchLimit: 256, queueLimit: 8192) { records throws(StorageError) in
            _ = try await database.write(Self.insertion(of: records))
        }
    }

    /// Appends a decision and returns when it is durable. Concurrent appends share a commit. Appending the same id again
    /// changes nothing, so a repeat after an error is safe.
    ///
    /// - Throws: `unavailable` or `timeout` when the ledger cannot be written, within about twice the database's request
    ///   timeout: nothing may be released then.
    public func append(_ record: DecisionRecord) async throws(StorageError) { try await commits.append(record) }

    static func insertion(of records: [DecisionRecord]) throws(StorageError) -> SQLStatement {
        func texts(_ value: (DecisionRecord) -> String?) -> SQLValue {
            .array(.text, records.map { .text(orNull: value($0).map(storable)) })
        }
        return try SQLStatement(
            insert,
            [
                texts(\.id), .array(.date, records.map { .date($0.at) }),
                .array(.bool, records.map { .bool($0.allowed) }), texts(\.code), texts(\.reason), texts(\.operation),
                texts(\.plugin), texts(\.path), texts(\.tenant), texts(\.tee), texts(\.session),
                texts(\.bundleDigest), .array(.json, records.map { .json(storable($0.trace)) }),
                .array(.json, records.map { .json(storable($0.claims)) }),
                .array(.bytes, records.map { $0.attestation.map { .bytes($0) } ?? .null }),
            ])
    }

    private static let insert = SQL(
        """
        INSERT INTO decisions (id, at, allowed, code, reason, operation, plugin, path, tenant, tee, session,
            bundle_digest, trace, claims, attestation)
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::jsonb[], $14::jsonb[],
            $15::bytea[])
        ON CONFLICT (id) DO NOTHING
        """)

    /// PostgreSQL stores no U+0000, and a guest must not keep its decision out of the ledger by sending one.
    private static func storable(_ text: String) -> String {
        guard text.containsUTF8(0) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }

    private static func storable(_ value: JSONValue) -> String {
        let text = value.serializedString()
        // Looking for one byte first is much faster, and hardly any text has it.
        guard text.containsUTF8(UInt8(ascii: "\\")), text.contains("\\u0000") else { return text }
        return replacingNUL(value).serializedString()
    }

    private static func replacingNUL(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): return .string(storable(text))
        case .array(let values): return .array(values.map(replacingNUL))
        case .object(let object):
            var clean = JSONObject()
            for (name, value) in object { clean[storable(name)] = replacingNUL(value) }
            return .object(clean)
        default: return value
        }
    }

    /// One decision; nil if there is none of that id.
    public func get(id: String) async throws(StorageError) -> DecisionRecord? {
        guard let row = try await database.read(SQLStatement(Self.find, [.text(id)])).first else { return nil }
        return try DecisionRecord(row)
    }

    /// Decisions, the newest first.
    public func list(_ filter: DecisionFilter = DecisionFilter()) async throws(StorageError) -> [DecisionRecord] {
        let rows = try await database.read(
            SQLStatement(
                Self.select,
                [
                    .text(orNull: filter.path), .text(orNull: filter.tenant),
                    filter.allowed.map { .bool($0) } ?? .null, .text(orNull: filter.before),
                    .int(Int64(max(0, filter.limit))),
                ]))
        var records: [DecisionRecord] = []
        for row in rows { records.append(try DecisionRecord(row)) }
        return records
    }

    private static let columns = """
        id, at, allowed, code, reason, operation, plugin, path, tenant, tee, session, bundle_digest, trace::text,
        claims::text, attestation, content
        """

    private static let source = "decisions LEFT JOIN attestation_results ON digest = attestation"

    private static let find = SQL("SELECT \(columns) FROM \(source) WHERE id = $1::text")

    private static let select = SQL(
        """
        SELECT \(columns) FROM \(source)
        WHERE ($1::text IS NULL OR path = $1::text) AND ($2::text IS NULL OR tenant = $2::text)
            AND ($3::boolean IS NULL OR allowed = $3::boolean) AND ($4::text IS NULL OR id < $4::text)
        ORDER BY id DESC LIMIT $5::bigint
        """)
}

extension DecisionRecord {
    init(_ row: SQLRow) throws(StorageError) {
        self.init(
            id: try row.text(0), at: try row.date(1), allowed: try row.bool(2), code: try row.text(3),
            reason: try row.text(4), operation: try row.text(5), plugin: try row.text(6), path: try row.text(7),
            tenant: try row.optionalText(8), tee: try row.optionalText(9), session: try row.optionalText(10),
            bundleDigest: try row.text(11), trace: try Self.json(row, 12), claims: try Self.claims(row),
            attestation: row.optionalBytes(14))
    }

    /// The decision's own claims with those of its attestation.
    private static func claims(_ row: SQLRow) throws(StorageError) -> JSONValue {
        let own = try json(row, 13)
        guard !row.isNull(15), var claims = own.objectValue else { return own }
        for (name, value) in try json(row, 15).objectValue ?? [:] { claims[name] = value }
        return .object(claims)
    }

    // What a guest may send is bounded where it comes in. A bound here would let one large record, which `jsonb` makes
    // larger still, hide a whole page of the ledger.
    private static let limits = JSONLimits(
        maximumBytes: .max, maximumDepth: JSONLimits.deepestNesting, maximumValues: .max)

    private static func json(_ row: SQLRow, _ column: Int) throws(StorageError) -> JSONValue {
        do {
            return try JSONValue(parsing: try row.text(column), limits: limits)
        } catch {
            throw .corrupt("a stored decision holds malformed JSON")
        }
    }
}
