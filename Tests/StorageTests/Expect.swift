import Testing

@testable import Storage

/// Expects a storage error of one kind.
func expect(
    _ code: StorageError.Code, location: SourceLocation = #_sourceLocation, _ body: () throws(StorageError) -> Void
) {
    do throws(StorageError) {
        try body()
        Issue.record("no error, expected \(code)", sourceLocation: location)
    } catch {
        #expect(error.code == code, "\(error)", sourceLocation: location)
    }
}

/// Expects a storage error of one kind.
func expect(
    _ code: StorageError.Code, location: SourceLocation = #_sourceLocation,
    _ body: () async throws(StorageError) -> Void
) async {
    do throws(StorageError) {
        try await body()
        Issue.record("no error, expected \(code)", sourceLocation: location)
    } catch {
        #expect(error.code == code, "\(error)", sourceLocation: location)
    }
}

/// What came of an attempt.
func outcome<Value>(_ body: () async throws(StorageError) -> Value) async -> Result<Value, StorageError> {
    do throws(StorageError) {
        return .success(try await body())
    } catch {
        return .failure(error)
    }
}
