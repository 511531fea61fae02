import Synchronization

/// The text of a statement and the name under which every connection prepares it once.
struct SQL: Sendable {
    private static let count = Atomic<Int>(0)

    let text: String
    /// Unique in the process, so a connection knows what it prepared without hashing the text.
    let id: Int

    init(_ text: String) {
        self.text = text
        id = Self.count.wrappingAdd(1, ordering: .relaxed).newValue
    }

    var name: String { "c\(id)" }
}

/// A statement with its parameters.
struct SQLStatement: Sendable {
    let sql: SQL
    let parameters: EncodedParameters

    init(_ sql: SQL, _ values: [SQLValue] = []) throws(StorageError) {
        self.sql = sql
        parameters = try EncodedParameters(values)
    }
}

/// Gives each distinct statement text of a caller outside this target one `SQL`, so that it is prepared once.
final class SQLCatalog: Sendable {
    private static let limit = 1024
    private let known = Mutex<[String: SQL]>([:])

    func sql(_ text: String) throws(StorageError) -> SQL {
        let found: SQL? = known.withLock { known in
            if let found = known[text] { return found }
            guard known.count < Self.limit else { return nil }
            let sql = SQL(text)
            known[text] = sql
            return sql
        }
        guard let found else {
            throw .internal("too many different statements: parameters belong into `$1`, not into the text")
        }
        return found
    }
}
