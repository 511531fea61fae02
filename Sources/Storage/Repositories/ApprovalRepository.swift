import Encodings
import FoundationEssentials

/// Somebody's approval of a release.
public struct StoredApproval: Sendable, Hashable {
    /// Its id; see `DecisionRecord.makeID`.
    public var id: String
    /// The policy that asks for it.
    public var policy: String
    /// Digest of the policy's content that it was given for.
    public var policyDigest: String
    /// The path that may be released.
    public var path: String
    /// Who vouches for the person.
    public var issuer: String
    /// The person.
    public var subject: String
    /// In which role it was given.
    public var role: String
    /// The only instance that it is meant for, if for one.
    public var instance: String?
    /// Why, in the person's words.
    public var reason: String
    /// When it was given.
    public var givenAt: Date
    /// When it ends.
    public var expiresAt: Date
    /// When it was taken back.
    public var revokedAt: Date?
    /// Who took it back.
    public var revokedBy: String?
    /// When it was spent.
    public var usedAt: Date?
    /// The decision that it was spent for.
    public var usedBy: String?

    /// An approval that stands.
    public init(
        id: String, policy: String, policyDigest: String, path: String, issuer: String, subject: String, role: String,
        instance: String?, reason: String, givenAt: Date, expiresAt: Date
    ) {
        self.id = id
        self.policy = policy
        self.policyDigest = policyDigest
        self.path = path
        self.issuer = issuer
        self.subject = subject
        self.role = role
        self.instance = instance
        self.reason = reason
        self.givenAt = givenAt
        self.expiresAt = expiresAt
    }
}

/// Approvals of releases. Each is sealed with the key ring, so that nobody approves by writing into the database.
public struct ApprovalRepository: Sendable {
    private let database: Database
    private let keys: KeyEncryptionKeyRing

    /// A repository over a migrated database.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        self.keys = keys
    }

    /// Stores an approval.
    ///
    /// - Throws: `conflict` when an approval by the same person for the same content of the policy and path stands, whatever
    ///   its role and instance are; also among racers.
    public func give(_ approval: StoredApproval) async throws(StorageError) {
        let results = try await database.transaction([
            // Nobody else stores this person's approval between the look for one and the commit.
            try SQLStatement(ReleaseCountRepository.lock, [.texts([approval.lock]), .texts([])]),
            try SQLStatement(
                Self.insert,
                [
                    .text(approval.id), .text(approval.policy), .text(approval.policyDigest), .text(approval.path),
                    .text(approval.issuer), .text(approval.subject), .text(approval.role),
                    .text(orNull: approval.instance), .text(approval.reason), .date(approval.givenAt),
                    .date(approval.expiresAt),
                    .bytes(try keys.seal(SecretBytes([]), purpose: .approval, fields: try approval.sealedFields())),
                ]),
        ])
        guard results.last?.isEmpty == false else {
            throw .conflict("an approval by the same person for the same thing stands")
        }
    }

    private static let insert = SQL(
        """
        INSERT INTO approvals (id, policy, policy_digest, path, issuer, subject, role, instance, reason, given_at,
            expires_at, seal)
        SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::timestamptz,
            $11::timestamptz, $12::bytea
        WHERE NOT EXISTS (
            SELECT 1 FROM approvals
            WHERE policy = $2::text AND policy_digest = $3::text AND path = $4::text AND issuer = $5::text
                AND subject = $6::text
                AND used_by IS NULL AND revoked_at IS NULL AND expires_at > $10::timestamptz
        )
        RETURNING 1::bigint
        """)

    /// The approvals of a path under one content of a policy that stand at `now`, at most `limit`, the newest of each person
    /// first, and how many stand for other contents of the policy. What was not written by a broker with these keys, or was
    /// changed since, is left out.
    public func standing(
        policy: String, policyDigest: String, path: String, now: Date, limit: Int = 256
    ) async throws(StorageError) -> (approvals: [StoredApproval], outdated: Int64) {
        let rows = try await database.read(
            SQLStatement(Self.selectStanding, [.text(policy), .text(path), .date(now), .int(Int64(limit))]))
        var approvals: [StoredApproval] = []
        for row in rows {
            let approval = try StoredApproval(row)
            if isAuthentic(approval, seal: try row.bytes(15)) { approvals.append(approval) }
        }
        let current = approvals.filter { $0.policyDigest == policyDigest }
        return (current, Int64(approvals.count - current.count))
    }

    private func isAuthentic(_ approval: StoredApproval, seal: [UInt8]) -> Bool {
        guard let fields = try? approval.sealedFields() else { return false }
        return (try? keys.open(seal, purpose: .approval, fields: fields)) != nil
    }

    private static let columns = """
        id, policy, policy_digest, path, issuer, subject, role, instance, reason, given_at, expires_at, revoked_at,
        revoked_by, used_at, used_by, seal
        """

    // One person's approvals, however many, leave room for those of the others.
    private static let selectStanding = SQL(
        """
        SELECT \(columns) FROM (
            SELECT *, row_number() OVER (PARTITION BY policy_digest, issuer, subject ORDER BY id DESC) AS place
            FROM approvals
            WHERE policy = $1::text AND path = $2::text AND used_by IS NULL AND revoked_at IS NULL
                AND expires_at > $3::timestamptz
        ) a
        ORDER BY place, id DESC LIMIT $4::bigint
        """)

    /// Approvals, the newest first; of one path where named, and only those that stand at `now` where asked.
    public func list(
        path: String? = nil, standingAt now: Date? = nil, limit: Int = 1000
    ) async throws(StorageError) -> [StoredApproval] {
        let rows = try await database.read(
            SQLStatement(Self.select, [.text(orNull: path), .date(orNull: now), .int(Int64(max(0, limit)))]))
        var approvals: [StoredApproval] = []
        for row in rows { approvals.append(try StoredApproval(row)) }
        return approvals
    }

    private static let select = SQL(
        """
        SELECT \(columns) FROM approvals
        WHERE ($1::text IS NULL OR path = $1::text) AND ($2::timestamptz IS NULL
            OR (used_by IS NULL AND revoked_at IS NULL AND expires_at > $2::timestamptz))
        ORDER BY id DESC LIMIT $3::bigint
        """)

    /// Takes an approval back. Returns false when there is none of that id that is neither spent nor taken back.
    public func revoke(id: String, at time: Date, by author: String) async throws(StorageError) -> Bool {
        try await database.write(SQLStatement(Self.takeBack, [.text(id), .date(time), .text(author)])).affected > 0
    }

    private static let takeBack = SQL(
        """
        UPDATE approvals SET revoked_at = $2::timestamptz, revoked_by = $3::text
        WHERE id = $1::text AND used_by IS NULL AND revoked_at IS NULL
        """)

    /// Removes up to `limit` approvals that ended before `time`; returns how many.
    public func sweep(endedBefore time: Date, limit: Int = 1000) async throws(StorageError) -> Int {
        try await database.write(SQLStatement(Self.removeEnded, [.date(time), .int(Int64(limit))])).affected
    }

    private static let removeEnded = SQL(
        """
        DELETE FROM approvals WHERE id IN (
            SELECT id FROM approvals WHERE expires_at < $1::timestamptz LIMIT $2::bigint FOR UPDATE SKIP LOCKED
        )
        """)
}

extension StoredApproval {
    /// What is locked while it is stored: the person, and what is approved.
    fileprivate var lock: String {
        "approval" + [policy, path, issuer, subject].map { " \($0.utf8.count):\($0)" }.joined()
    }

    /// Everything that does not change in the approval's life.
    fileprivate func sealedFields() throws(StorageError) -> [[UInt8]] {
        guard let given = PostgresTime.microseconds(givenAt), let end = PostgresTime.microseconds(expiresAt) else {
            throw .invalid("an approval's time is outside the range of the database")
        }
        let texts = [id, policy, policyDigest, path, issuer, subject, role, reason].map { Array($0.utf8) }
        return texts + [BoundContext.field(Int(given)), BoundContext.field(Int(end))]
            + (instance.map { [Array($0.utf8)] } ?? [])
    }

    init(_ row: SQLRow) throws(StorageError) {
        self.init(
            id: try row.text(0), policy: try row.text(1), policyDigest: try row.text(2), path: try row.text(3),
            issuer: try row.text(4), subject: try row.text(5), role: try row.text(6),
            instance: try row.optionalText(7), reason: try row.text(8), givenAt: try row.date(9),
            expiresAt: try row.date(10))
        revokedAt = try row.optionalDate(11)
        revokedBy = try row.optionalText(12)
        usedAt = try row.optionalDate(13)
        usedBy = try row.optionalText(14)
    }
}
