extension Database {
    /// Runs one statement that only reads on a connection of its own, which is there for it alone: what takes long does not hold
    /// up what else is asked.
    ///
    /// - Parameters:
    ///   - parameters: Values in PostgreSQL's text form, without a NUL character.
    ///   - limit: How long the server may work on it.
    /// - Returns: The rows in text form.
    /// - Throws: `timeout` when the server took longer, `unavailable`.
    func readAside(
        _ text: String, _ parameters: [String], within limit: Duration
    ) async throws(StorageError) -> [[String?]] {
        let string = string
        return try await BlockingThread.run("claviger-aside") { () throws(StorageError) in
            let connection = try BlockingConnection(string, limits: SessionLimits(statement: limit, lock: limit))
            return try connection.rows(text, parameters)
        }
    }
}
