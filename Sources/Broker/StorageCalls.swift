import Storage

/// Runs something that needs the database, and turns its errors into the broker's.
///
/// A database that cannot answer is never the caller's fault: it becomes `unavailable`, so that guests come back instead of
/// giving up.
func storing<Value: Sendable>(
    _ body: () async throws(StorageError) -> Value
) async throws(BrokerError) -> Value {
    do throws(StorageError) {
        return try await body()
    } catch {
        throw BrokerError(error)
    }
}

extension BrokerError {
    init(_ error: StorageError) {
        switch error.code {
        case .unavailable, .timeout, .cancelled, .schema, .keyUnknown:
            self = .unavailable("database_\(error.code.rawValue)", "The database cannot be used now; try again later")
        case .conflict: self.init(kind: .conflict, variant: "Conflict", code: "conflict", message: error.message)
        case .notFound: self = .notFound("NotFound", error.message)
        case .invalid:
            self.init(kind: .malformed, variant: "MalformedRequest", code: "cannot_be_stored", message: error.message)
        case .corrupt, .internal:
            self = .internalFailure("storage_\(error.code.rawValue)", "Stored state cannot be used")
        }
    }
}
