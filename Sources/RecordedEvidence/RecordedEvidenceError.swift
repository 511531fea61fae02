/// Why recorded evidence could not be read.
public struct RecordedEvidenceError: Error, Sendable, Hashable {
    /// A stable word for programs: `unreadable_file`, `unknown_form` or `malformed_manifest`.
    public let code: String
    /// A sentence for the person who named the file.
    public let message: String

    static func unreadable(_ path: String, _ reason: String) -> RecordedEvidenceError {
        RecordedEvidenceError(code: "unreadable_file", message: "\(path) cannot be read: \(reason)")
    }

    static func manifest(_ reason: String) -> RecordedEvidenceError {
        RecordedEvidenceError(code: "malformed_manifest", message: "The manifest cannot be used: \(reason)")
    }
}
