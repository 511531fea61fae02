import Encodings

/// What the broker remembers of brokered secrets, and the one way in which their values change.
///
/// Each row is sealed with the key ring, bound to all of its columns, so that nobody changes an owner, a serial or a date by
/// writing into the database. That a row was taken away or put back to an older one cannot be seen.
public struct SecretRepository: Sendable {
    /// The most secrets of one namespace.
    public static let maximumCountOfNamespace = 2_500

    private static let page: Int64 = 1_000

    let database: Database
    let keys: KeyEncryptionKeyRing
    private let resources: ResourceRepository

    /// A repository over a migrated database; `keys` never leave the process.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        self.keys = keys
        resources = ResourceRepository(database, keys: keys)
    }

    /// What is remembered under a name; nil if nothing.
    ///
    /// - Throws: `corrupt` when the row was changed by somebody else than a broker, `key_unknown` when it is sealed under a
    ///   key that the ring lacks.
    public func find(namespace: String, name: String) async throws(StorageError) -> StoredSecret? {
        let rows = try await database.read(SQLStatement(Self.select, [.text(namespace), .text(name)]))
        guard let row = rows.first else { return nil }
        return try StoredSecret(row, keys: keys)
    }

    /// The secrets of a source, ordered by namespace and name; of one whose row somebody else changed only these.
    public func list(
        ofSource source: String, limit: Int64
    ) async throws(StorageError) -> [(namespace: String, name: String, secret: StoredSecret?)] {
        let rows = try await database.read(SQLStatement(Self.selectOfSource, [.text(source), .int(limit)]))
        var secrets: [(namespace: String, name: String, secret: StoredSecret?)] = []
        for row in rows {
            secrets.append((try row.text(0), try row.text(1), try? StoredSecret(row, keys: keys)))
        }
        return secrets
    }

    /// The name of the object, of any namespace, that keeps its value under a path; nil if none does.
    public func holder(path: String) async throws(StorageError) -> (namespace: String, name: String)? {
        let rows = try await database.read(SQLStatement(Self.selectHolder, [.text(path)]))
        guard let row = rows.first else { return nil }
        return (try row.text(0), try row.text(1))
    }

    /// The latest version of a resource that was not destroyed; 0 if there is none.
    public func latestVersion(path: String) async throws(StorageError) -> Int64 {
        let rows = try await database.read(SQLStatement(Self.selectLatest, [.text(path)]))
        guard let row = rows.first else { return 0 }
        return try row.int(0)
    }

    /// The highest number that a source has shown, with secrets or policies; 0 if it has shown none.
    public func fence(of source: String) async throws(StorageError) -> Int64 {
        let rows = try await database.read(SQLStatement(Self.selectFence, [.text(source)]))
        guard let row = rows.first else { return 0 }
        return try row.int(0)
    }

    /// Whether an object may have a secret: it has one, or there is room for one more in its namespace.
    public func hasRoom(namespace: String, name: String) async throws(StorageError) -> Bool {
        let rows = try await database.read(
            SQLStatement(
                Self.selectRoom, [.text(namespace), .text(name), .int(Int64(Self.maximumCountOfNamespace))]))
        return try rows.first?.bool(0) ?? false
    }

    /// Whether any object is to be rotated at a time.
    public func isAnyDue(at seconds: Int64) async throws(StorageError) -> Bool {
        try await !database.read(SQLStatement(Self.selectAnyDue, [.int(seconds)])).isEmpty
    }

    /// Objects that are to be rotated at a time: the first of each namespace, then the second of each, and so on.
    ///
    /// - Parameters:
    ///   - share: The most of one namespace, of which those come first that have waited longest.
    ///   - limit: The most of all.
    public func due(
        at seconds: Int64, share: Int64, limit: Int64
    ) async throws(StorageError) -> [(namespace: String, name: String)] {
        try await names(SQLStatement(Self.selectDue, [.int(seconds), .int(share), .int(limit)]))
    }

    private func names(_ statement: SQLStatement) async throws(StorageError) -> [(namespace: String, name: String)] {
        var names: [(namespace: String, name: String)] = []
        for row in try await database.read(statement) { names.append((try row.text(0), try row.text(1))) }
        return names
    }

    /// Fixes the number of a resource's next version, to which its value will be bound.
    ///
    /// - Throws: `conflict` when the path belongs to another tenant.
    public func reserveVersion(path: String, tenant: String) async throws(StorageError) -> Int {
        try await resources.reserveVersion(path: path, tenant: tenant)
    }

    /// Makes a change, all of it or nothing.
    ///
    /// - Throws: `conflict` when the source has shown a higher number, the row or the resource is not any more what the
    ///   change was decided on, or the namespace has no room for another secret.
    public func store(_ change: SecretChange) async throws(StorageError) {
        var statements = try fencing(change)
        if change.path != nil { statements += try requiringRoom(change) }
        statements.append(
            try SQLStatement(
                Self.requireRevision, [.text(change.namespace), .text(change.name), .int(change.after)]))
        if let value = change.value { statements += try insertion(value, change) }
        if let path = change.path, let kept = change.versionsKept {
            statements.append(
                try SQLStatement(
                    Self.prune, [.text(path), .int(kept), .text(change.author), .int(change.foreignThrough)]))
        }
        statements.append(try upsert(change))
        _ = try await database.transaction(statements)
    }

    /// Notes that a request came that had nothing to change, so that an earlier one that comes later changes nothing either.
    ///
    /// - Throws: `conflict` when the source has shown a higher number, or the leader a later request.
    public func note(
        _ number: SourceRequestNumber, of source: String, by author: String
    ) async throws(StorageError) {
        _ = try await database.transaction(
            try PolicyRepository.fencing(source, number.fence, by: author)
                + PolicyRepository.numbering(number, of: source))
    }

    /// Removes a row, or leaves the memory that `change` holds; destroys the resource's versions if `destroying` names its
    /// path, but none that is somebody else's.
    ///
    /// - Throws: as ``store(_:)``.
    public func remove(
        _ change: SecretChange, leavesMemory: Bool, destroying path: String?
    ) async throws(StorageError) {
        var statements = try fencing(change)
        statements.append(
            try SQLStatement(
                Self.requireRevision, [.text(change.namespace), .text(change.name), .int(change.after)]))
        if let path {
            // A resource that goes on with somebody else's version is not closed.
            statements.append(
                try SQLStatement(
                    change.foreignThrough > 0 ? Self.lockResource : ResourceRepository.closePath, [.text(path)]))
            statements.append(
                try SQLStatement(
                    Self.destroyOwn, [.text(path), .text(change.author), .int(change.foreignThrough)]))
        }
        statements.append(
            try leavesMemory
                ? upsert(change) : SQLStatement(Self.delete, [.text(change.namespace), .text(change.name)]))
        _ = try await database.transaction(statements)
    }

    /// Seals all intact rows that are under another key-encryption key under the current one; returns how many.
    public func renewSeals() async throws(StorageError) -> Int {
        var renewed = 0
        var last = (namespace: "", name: "")
        while true {
            let rows = try await database.read(
                SQLStatement(
                    Self.underOtherKeys,
                    [.text(keys.currentKeyID), .text(last.namespace), .text(last.name), .int(Self.page)]))
            for row in rows {
                last = (try row.text(0), try row.text(1))
                guard let secret = try? StoredSecret(row, keys: keys) else { continue }
                let fresh = try keys.seal(secret.content, purpose: .brokeredSecret, fields: secret.sealedFields)
                renewed += try await database.write(
                    SQLStatement(
                        Self.replaceSeal,
                        [
                            .text(last.namespace), .text(last.name), .bytes(try row.bytes(6)),
                            .text(keys.currentKeyID), .bytes(fresh),
                        ])
                ).affected
            }
            guard rows.count >= Self.page else { return renewed }
        }
    }

    /// The lock of the object first, then the fence of its source: in one order everywhere.
    private func fencing(_ change: SecretChange) throws(StorageError) -> [SQLStatement] {
        let lock = try SQLStatement(Self.lock, [.text("claviger secret \(change.namespace)/\(change.name)")])
        guard let fence = change.fence else { return [lock] }
        return try [lock] + PolicyRepository.fencing(change.fencedSource, fence, by: change.author)
            + PolicyRepository.numbering(change.number, of: change.fencedSource)
    }

    private func requiringRoom(_ change: SecretChange) throws(StorageError) -> [SQLStatement] {
        let name: [SQLValue] = [.text(change.namespace), .text(change.name)]
        return [
            try SQLStatement(Self.lockNew, name),
            try SQLStatement(Self.requireRoom, name + [.int(Int64(Self.maximumCountOfNamespace))]),
        ]
    }

    private func insertion(
        _ value: SecretChange.NewValue, _ change: SecretChange
    ) throws(StorageError) -> [SQLStatement] {
        guard let path = change.path else { throw .internal("a value has no path") }
        guard value.value.count <= ResourceRepository.maximumSize else {
            throw .invalid("the value is larger than a resource may be")
        }
        let sealed = try resources.envelope.seal(
            value.value, path: path, tenant: change.namespace, version: value.version)
        return [
            try SQLStatement(Self.lockResource, [.text(path)]),
            try SQLStatement(Self.requireLatest, [.text(path), .int(value.replaces)]),
            try SQLStatement(
                ResourceRepository.insertVersion,
                [
                    .text(path), .text(change.namespace), .int(Int64(value.version)), .null,
                    .text(keys.currentKeyID), .bytes(sealed.wrappedKey), .bytes(sealed.ciphertext),
                    .text(change.author),
                ]),
            try SQLStatement(Self.requireLatest, [.text(path), .int(Int64(value.version))]),
        ]
    }

    private func upsert(_ change: SecretChange) throws(StorageError) -> SQLStatement {
        let secret = StoredSecret(change)
        let sealed = try keys.seal(change.content, purpose: .brokeredSecret, fields: secret.sealedFields)
        return try SQLStatement(
            Self.put,
            [
                .text(change.namespace), .text(change.name), .text(change.source), .text(orNull: change.path),
                change.nextRotation.map { .int($0) } ?? .null, .int(secret.revision), .text(keys.currentKeyID),
                .bytes(sealed),
            ])
    }
}

extension SecretChange {
    fileprivate var number: SourceRequestNumber? {
        guard let fence, let sequence else { return nil }
        return SourceRequestNumber(subject: "\(namespace)/\(name)", fence: fence, sequence: sequence)
    }
}

extension StoredSecret {
    /// The row that a change leads to.
    fileprivate init(_ change: SecretChange) {
        namespace = change.namespace
        name = change.name
        source = change.source
        path = change.path
        nextRotation = change.nextRotation
        revision = change.after + 1
        content = change.content
    }

    /// A row of the repository's columns.
    init(_ row: SQLRow, keys: KeyEncryptionKeyRing) throws(StorageError) {
        let sealed = try row.bytes(6)
        let bare = StoredSecret(
            namespace: try row.text(0), name: try row.text(1), source: try row.text(2),
            path: try row.optionalText(3), nextRotation: row.isNull(4) ? nil : try row.int(4),
            revision: try row.int(5), content: SecretBytes([]))
        guard !keys.lacksKey(of: sealed) else {
            throw .keyUnknown("a brokered secret is sealed under a key-encryption key that this broker does not have")
        }
        let content = try keys.open(sealed, purpose: .brokeredSecret, fields: bare.sealedFields)
        self.init(
            namespace: bare.namespace, name: bare.name, source: bare.source, path: bare.path,
            nextRotation: bare.nextRotation, revision: bare.revision, content: content)
    }

    fileprivate var sealedFields: [[UInt8]] {
        [
            Array(namespace.utf8), Array(name.utf8), Array(source.utf8), Array((path ?? "").utf8),
            nextRotation.map { BoundContext.field(Int($0)) } ?? [], BoundContext.field(Int(revision)),
        ]
    }
}
