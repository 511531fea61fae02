import Encodings

/// The columns in which decisions of the ledger are listed.
enum DecisionTable {
    static var columns: [(title: String, cell: (JSONObject) -> String)] {
        [
            ("ID", { $0.cell("id") }), ("TIME", { $0.cell("at") }), ("OUTCOME", outcome), ("CODE", { $0.cell("code") }),
            ("OPERATION", { $0.cell("operation") }), ("RESOURCE", { $0.cell("path") }), ("TEE", { $0.cell("tee") }),
        ]
    }

    static func outcome(_ record: JSONObject) -> String { record["allowed"]?.boolValue == true ? "allowed" : "denied" }
}
