import RATS

/// The code of the error that `body` ends with; `nil` when it does not.
func refusalCode(_ body: () throws(VerificationError) -> Void) -> String? {
    do throws(VerificationError) {
        try body()
        return nil
    } catch {
        return error.code
    }
}
