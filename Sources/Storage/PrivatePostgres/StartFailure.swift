import Processes

/// Gives a program's failure to start as what it means here: there is no database.
func starting<Value>(_ body: () throws(ProcessError) -> Value) throws(StorageError) -> Value {
    do throws(ProcessError) {
        return try body()
    } catch {
        throw .unavailable(error.message)
    }
}
