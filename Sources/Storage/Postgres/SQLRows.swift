import CLibPQ
import FoundationEssentials

/// The rows that a statement returned, in binary format; cells are decoded when they are asked for.
public struct SQLRows: Sendable, RandomAccessCollection {
    private let result: ResultHandle
    private let rowCount: Int

    init(_ result: ResultHandle) {
        self.result = result
        rowCount = result.rowCount
    }

    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of rows.
    public var endIndex: Int { rowCount }
    /// How many rows an INSERT, UPDATE or DELETE without RETURNING touched.
    public var affected: Int { result.affected }

    /// One row.
    public subscript(position: Int) -> SQLRow { SQLRow(result: result, index: position) }
}

/// One row of a result.
public struct SQLRow: Sendable {
    let result: ResultHandle
    let index: Int

    /// True if the cell is NULL.
    public func isNull(_ column: Int) -> Bool { result.withCell(index, column) { $0 == nil } }

    /// An integer cell (`int2`, `int4`, `int8`). Throws `internal` if it is NULL or of another type.
    public func int(_ column: Int) throws(StorageError) -> Int64 {
        let value: Int64? = result.withCell(index, column) { bytes in
            guard let bytes, [2, 4, 8].contains(bytes.count) else { return nil }
            let unsigned = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let unused = 64 - bytes.count * 8
            return Int64(bitPattern: unsigned << unused) >> unused
        }
        guard let value else { throw mismatch(column, "an integer") }
        return value
    }

    /// A `boolean` cell. Throws `internal` if it is NULL or of another type.
    public func bool(_ column: Int) throws(StorageError) -> Bool {
        let value: Bool? = result.withCell(index, column) { $0.flatMap { $0.count == 1 ? $0[0] != 0 : nil } }
        guard let value else { throw mismatch(column, "a boolean") }
        return value
    }

    /// A `text` cell. Throws `internal` if it is NULL.
    public func text(_ column: Int) throws(StorageError) -> String {
        guard let text = try optionalText(column) else { throw mismatch(column, "a text") }
        return text
    }

    /// A `text` cell, nil if it is NULL.
    public func optionalText(_ column: Int) throws(StorageError) -> String? {
        if isNull(column) { return nil }
        let text: String? = result.withCell(index, column) { $0.flatMap { String(validating: $0, as: UTF8.self) } }
        guard let text else { throw mismatch(column, "a text") }
        return text
    }

    /// A `bytea` cell. Throws `internal` if it is NULL.
    public func bytes(_ column: Int) throws(StorageError) -> [UInt8] {
        guard let bytes = optionalBytes(column) else { throw mismatch(column, "a byte string") }
        return bytes
    }

    /// A `bytea` cell, nil if it is NULL.
    public func optionalBytes(_ column: Int) -> [UInt8]? { result.withCell(index, column) { $0.map { Array($0) } } }

    /// A `timestamptz` cell. Throws `internal` if it is NULL or of another type.
    public func date(_ column: Int) throws(StorageError) -> Date { PostgresTime.date(try int(column)) }

    /// A `timestamptz` cell, nil if it is NULL.
    public func optionalDate(_ column: Int) throws(StorageError) -> Date? { isNull(column) ? nil : try date(column) }

    /// A `text[]` cell of one dimension without NULLs. Throws `internal` if it is anything else.
    public func texts(_ column: Int) throws(StorageError) -> [String] {
        let texts: [String]? = result.withCell(index, column) { $0.flatMap { TextArray.decode($0) } }
        guard let texts else { throw mismatch(column, "a text array") }
        return texts
    }

    private func mismatch(_ column: Int, _ expected: String) -> StorageError {
        .internal("column \(column) of a result is not \(expected)")
    }
}

/// Owns a `PGresult`.
///
/// Unchecked because the pointer is not `Sendable`: a finished result is never written again, libpq's read functions
/// keep no state, and it is freed once, here.
final class ResultHandle: @unchecked Sendable {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) { self.result = result }

    deinit { PQclear(result) }

    var status: ExecStatusType { PQresultStatus(result) }
    var rowCount: Int { Int(PQntuples(result)) }
    var columnCount: Int { Int(PQnfields(result)) }

    var affected: Int {
        guard let text = PQcmdTuples(result) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    var failure: SQLFailure {
        func field(_ code: Character) -> String? {
            guard let value = code.asciiValue, let text = PQresultErrorField(result, Int32(value)) else { return nil }
            return String(cString: text)
        }
        // PG_DIAG_SQLSTATE, PG_DIAG_CONSTRAINT_NAME and PG_DIAG_MESSAGE_PRIMARY; without a state libpq itself failed.
        return SQLFailure(state: field("C") ?? "08006", constraint: field("n"), primaryMessage: field("M"))
    }

    /// Calls `body` with the bytes of a cell, nil for NULL or a place outside the result.
    func withCell<Value>(_ row: Int, _ column: Int, _ body: (UnsafeBufferPointer<UInt8>?) -> Value) -> Value {
        withExtendedLifetime(self) {
            guard row >= 0, column >= 0, row < rowCount, column < columnCount,
                PQgetisnull(result, Int32(row), Int32(column)) == 0,
                let start = PQgetvalue(result, Int32(row), Int32(column))
            else { return body(nil) }
            let length = Int(PQgetlength(result, Int32(row), Int32(column)))
            return body(UnsafeRawBufferPointer(start: start, count: length).assumingMemoryBound(to: UInt8.self))
        }
    }
}
