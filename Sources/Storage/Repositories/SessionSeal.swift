import Encodings
import FoundationEssentials

/// Seals session rows: the payload is bound to the row's hash, its end and its revocation subjects, so that none of them
/// can be exchanged in the database.
struct SessionSeal: Sendable {
    let keys: KeyEncryptionKeyRing

    func seal(
        _ payload: [UInt8], hash: [UInt8], expires: Date, subjects: [String]
    ) throws(StorageError) -> [UInt8] {
        try keys.seal(SecretBytes(payload), purpose: .session, fields: Self.fields(hash, expires, subjects))
    }

    func open(
        _ sealed: [UInt8], hash: [UInt8], expires: Date, subjects: [String]
    ) throws(StorageError) -> [UInt8] {
        try keys.open(sealed, purpose: .session, fields: Self.fields(hash, expires, subjects)).copyBytes()
    }

    private static func fields(_ hash: [UInt8], _ expires: Date, _ subjects: [String]) throws(StorageError) -> [[UInt8]]
    {
        guard let end = PostgresTime.microseconds(expires) else {
            throw .invalid("a session's end is outside the range of the database")
        }
        return [hash, BoundContext.field(Int(end))] + subjects.map { Array($0.utf8) }
    }
}
