import CLibPQ

/// A parsed connection string: PostgreSQL's URI or keyword form, with what a broker needs added where it says nothing.
struct ConnectionString: Sendable {
    private(set) var options: [String: String]

    /// - Throws: `invalid`; the text is not repeated, it may hold a password.
    init(_ text: String) throws(StorageError) {
        guard let parsed = PQconninfoParse(text, nil) else {
            throw .invalid("the connection string is neither a PostgreSQL URI nor a list of keywords and values")
        }
        defer { PQconninfoFree(parsed) }
        options = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        addDefaults()
    }

    private mutating func addDefaults() {
        let defaults = [
            // Policy, revocation, nonce and session state are never read from a standby.
            "target_session_attrs": "read-write",
            "connect_timeout": "3",
            "keepalives_idle": "15",
            "keepalives_interval": "5",
            "keepalives_count": "3",
            "tcp_user_timeout": "20000",
            "fallback_application_name": "claviger",
        ]
        for (keyword, value) in defaults where options[keyword] == nil { options[keyword] = value }
        options["client_encoding"] = "UTF8"
    }

    /// The same server, another database.
    func replacing(database: String) -> ConnectionString {
        var other = self
        other.options["dbname"] = database
        return other
    }

    /// Calls `body` with the two nil-terminated arrays that libpq takes.
    func withArrays<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Value?
    ) -> Value? {
        var text: [CChar] = []
        var keywordsAt: [Int] = []
        var valuesAt: [Int] = []
        for (keyword, value) in options {
            keywordsAt.append(text.count)
            text += keyword.utf8CString
            valuesAt.append(text.count)
            text += value.utf8CString
        }
        return text.withUnsafeBufferPointer { text in
            guard let start = text.baseAddress else { return nil }
            let keywords: [UnsafePointer<CChar>?] = keywordsAt.map { start + $0 } + [nil]
            let values: [UnsafePointer<CChar>?] = valuesAt.map { start + $0 } + [nil]
            return body(keywords, values)
        }
    }
}
