import Encodings

/// The difference of two values, field by field.
struct ValueDifference {
    /// One field that is not the same.
    struct Change {
        let path: String
        /// What it was; nothing for a field that is new.
        let old: JSONValue?
        /// What it is; nothing for a field that is gone.
        let new: JSONValue?
    }

    let changes: [Change]

    init(old: JSONValue, new: JSONValue) {
        changes = Self.changes(old, new, at: "")
    }

    /// One line for each change, in the order of the fields.
    func text() -> String {
        changes.map { change in
            let line =
                switch (change.old?.serializedString(), change.new?.serializedString()) {
                case (let old?, let new?): "~ \(change.path): \(old) -> \(new)"
                case (nil, let new?): "+ \(change.path): \(new)"
                case (let old?, nil): "- \(change.path): \(old)"
                case (nil, nil): "  \(change.path)"
                }
            return Terminal.printable(line) + "\n"
        }.joined()
    }

    func json() -> JSONValue {
        .array(
            changes.map { change in
                var object: JSONObject = ["path": .string(change.path)]
                object["old"] = change.old
                object["new"] = change.new
                return .object(object)
            })
    }

    private static func changes(_ old: JSONValue, _ new: JSONValue, at path: String) -> [Change] {
        guard old != new else { return [] }
        switch (old, new) {
        case (.object(let before), .object(let after)):
            let names = before.names + after.names.filter { before[$0] == nil }
            return names.flatMap { name in
                changes(before[name], after[name], at: path.isEmpty ? name : "\(path).\(name)")
            }
        case (.array(let before), .array(let after)):
            return (0..<max(before.count, after.count)).flatMap { index in
                changes(
                    before.indices.contains(index) ? before[index] : nil,
                    after.indices.contains(index) ? after[index] : nil, at: "\(path)[\(index)]")
            }
        default: return [Change(path: path, old: old, new: new)]
        }
    }

    private static func changes(_ old: JSONValue?, _ new: JSONValue?, at path: String) -> [Change] {
        guard let old, let new else { return [Change(path: path, old: old, new: new)] }
        return changes(old, new, at: path)
    }
}
