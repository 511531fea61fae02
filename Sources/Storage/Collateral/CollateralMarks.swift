import Crypto
import Encodings

/// How far all names have come, under one authentication code: HMAC-SHA-256 under a key that is derived from a
/// key-encryption key, which the database never sees.
///
/// All marks stand in one row, so that nobody takes one of them away or puts one back.
struct CollateralMarks: Sendable, Equatable {
    private static let limits = JSONLimits(maximumBytes: 64 << 20, maximumDepth: 2)

    private(set) var byName: [String: CollateralMark] = [:]
    /// The code of the row that this was read from; nil when there was none.
    let mac: [UInt8]?
    /// The key-encryption key that the row was sealed under.
    let keyID: String?

    /// No marks: those of a database that never held any.
    init() {
        mac = nil
        keyID = nil
    }

    /// The marks of a row.
    ///
    /// - Throws: `key_unknown` when it is under a key that the ring does not have, `corrupt` when it was not written by a
    ///   broker, or was changed since.
    init(keyID: String, entries: String, mac: [UInt8], keys: KeyEncryptionKeyRing) throws(StorageError) {
        guard keys.contains(keyID) else {
            throw .keyUnknown(
                "the marks of the collateral are sealed under a key-encryption key that this broker does not have: "
                    + "give all brokers the same keys")
        }
        guard let key = try? keys.derive(purpose: .collateralMarks, keyID: keyID),
            HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: Self.message(entries), using: key)
        else { throw .corrupt("the marks of the collateral were changed by somebody else than a broker") }
        self.mac = mac
        self.keyID = keyID
        byName = try Self.parse(entries)
    }

    private static func parse(_ text: String) throws(StorageError) -> [String: CollateralMark] {
        let malformed = StorageError.corrupt("the marks of the collateral have a shape that they cannot have")
        guard let list = (try? JSONValue(parsing: text, limits: limits))?.arrayValue else { throw malformed }
        var marks: [String: CollateralMark] = [:]
        for element in list {
            let fields = (element.arrayValue ?? []).compactMap(\.stringValue)
            guard fields.count == 3, let microseconds = Int64(fields[2]) else { throw malformed }
            let sequence = fields[1].isEmpty ? nil : UInt64(fields[1])
            guard fields[1].isEmpty || sequence != nil else { throw malformed }
            marks[fields[0]] = CollateralMark(sequence: sequence, issuedAt: PostgresTime.date(microseconds))
        }
        return marks
    }

    /// The marks as the JSON text that is authenticated, in one order.
    private var text: String {
        let rows = byName.sorted { $0.key < $1.key }.map { name, mark -> JSONValue in
            [
                .string(name), .string(mark.sequence.map { String($0) } ?? ""), .string(String(mark.microseconds)),
            ]
        }
        return JSONValue.array(rows).serializedString()
    }

    private static func message(_ entries: String) -> [UInt8] {
        BoundContext(.collateralMarks, [Array(entries.utf8)]).bytes
    }

    mutating func raise(_ name: String, to mark: CollateralMark) { byName[name] = mark }

    /// Stores these marks unless somebody else changed them since they were read; the transaction fails then.
    func replacing(keys: KeyEncryptionKeyRing) throws(StorageError) -> [SQLStatement] {
        let entries = text
        let key = try keys.derive(purpose: .collateralMarks)
        let code = HMAC<SHA256>.authenticationCode(for: Self.message(entries), using: key)
        return [
            try SQLStatement(Self.lock),
            try SQLStatement(Self.requireUnchanged, [mac.map { .bytes($0) } ?? .null]),
            try SQLStatement(Self.store, [.text(keys.currentKeyID), .text(entries), .bytes(Array(code))]),
        ]
    }

    /// The marks with true, or a row with false when there are none though there are rows that must have some.
    static let select = SQL(
        """
        SELECT key_id, entries, mac, true FROM collateral_marks
        UNION ALL
        SELECT '', '', ''::bytea, false WHERE NOT EXISTS (SELECT 1 FROM collateral_marks)
            AND EXISTS (SELECT 1 FROM collateral WHERE next_update IS NOT NULL OR sequence IS NOT NULL)
        """)

    private static let lock = SQL("SELECT pg_advisory_xact_lock(hashtextextended('claviger collateral marks', 0))")

    private static let requireUnchanged = SQL(
        """
        SELECT claviger_require((SELECT mac FROM collateral_marks) IS NOT DISTINCT FROM $1::bytea,
            'the marks of the collateral were changed meanwhile')
        """)

    private static let store = SQL(
        """
        INSERT INTO collateral_marks (key_id, entries, mac) VALUES ($1::text, $2::text, $3::bytea)
        ON CONFLICT (only_row) DO UPDATE SET key_id = excluded.key_id, entries = excluded.entries, mac = excluded.mac
        """)
}
