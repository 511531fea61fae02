extension Database {
    /// Runs `body` while nobody else, on any broker, runs one under the same name.
    ///
    /// The lock is an advisory one on a connection of its own, so it is free as soon as this broker ends, however it ends.
    ///
    /// - Parameters:
    ///   - name: What is locked; names share one space with nothing else that brokers lock.
    ///   - patience: How long to wait for the others.
    /// - Throws: `timeout` when the others took longer, `unavailable`.
    public func exclusively<Value: Sendable>(
        _ name: String, patience: Duration, _ body: @Sendable () async -> Value
    ) async throws(StorageError) -> Value {
        let string = string
        let connection = try await BlockingThread.run("claviger-lock") { () throws(StorageError) in
            let limits = SessionLimits(statement: patience, lock: patience)
            let connection = try BlockingConnection(string, limits: limits)
            _ = try connection.rows(
                "SELECT pg_advisory_lock(hashtextextended($1, 0))::text", ["claviger exclusively " + name])
            return connection
        }
        let value = await body()
        return withExtendedLifetime(connection) { value }
    }
}
