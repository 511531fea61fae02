import AdminClient
import Encodings

/// Cells of policy tables.
enum PolicyRecordCell {
    static func identifier(_ object: JSONObject) -> String { PolicyRecord(json: object).identifier }
}
