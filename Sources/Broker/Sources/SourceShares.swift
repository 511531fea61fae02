/// How much of a source each namespace may fill, so that nobody keeps out what others say.
///
/// Whoever goes over his share gets nothing new in, and goes on with what he has: he may change it, such as by saying that a
/// policy counts no more. All others are judged as if he were not there.
struct SourceShares: Sendable {
    /// The most documents of one namespace.
    static let maximumDocuments = 2_500
    /// The most text of one namespace, in bytes.
    static let maximumBytes = 4_194_304
    /// The most text of one namespace of which each document is a change of one that is there.
    static let maximumBytesOfChanges = maximumBytes + 1_048_576
    /// The most documents of a source: where there are more, those that are there stay, and of the new ones the namespaces that
    /// have the fewest come first.
    static let maximumDocumentsOfAll = 10_000

    /// A document of a list.
    struct Entry: Sendable, Hashable {
        /// Nil for those of the whole cluster.
        let namespace: String?
        /// The size of its text.
        let bytes: Int
        /// The size of the text that the source has under this name already; nil for none.
        let former: Int?
    }

    /// What a list holds of a namespace.
    struct Load: Sendable, Hashable {
        fileprivate(set) var documents = 0
        fileprivate(set) var bytes = 0
        fileprivate var stored = 0
        fileprivate var storedBytes = 0

        fileprivate var isWithinShare: Bool {
            documents <= SourceShares.maximumDocuments && bytes <= SourceShares.maximumBytes
        }
    }

    /// The namespaces that have more than their share, with what they have.
    let exceeding: [String: Load]

    /// Counts a list.
    init(_ entries: some Sequence<Entry>, maximumBytesOfDocument: Int) {
        var loads: [String: Load] = [:]
        var left = Self.maximumDocumentsOfAll
        for entry in entries {
            guard let namespace = entry.namespace else {
                left -= 1
                continue
            }
            var load = loads[namespace, default: Load()]
            // What is too large to be a document is refused by itself, and takes nobody's room.
            let bytes = entry.bytes <= maximumBytesOfDocument ? entry.bytes : 0
            load.documents += 1
            load.bytes += bytes
            if entry.former != nil {
                load.stored += 1
                load.storedBytes += bytes
                left -= 1
            }
            loads[namespace] = load
        }
        var exceeding = loads.filter { !$0.value.isWithinShare }
        let others = loads.filter { $0.value.isWithinShare && $0.value.documents > $0.value.stored }
            .sorted { ($0.value.documents, $0.key) < ($1.value.documents, $1.key) }
        for (namespace, load) in others {
            let news = load.documents - load.stored
            if news <= left { left -= news } else { exceeding[namespace] = load }
        }
        self.exceeding = exceeding
    }

    /// Why a document is not taken; nil when its namespace is within its share, or it keeps or changes what is there.
    func refusal(of entry: Entry) -> SourceVerdict.Refusal? {
        guard let namespace = entry.namespace, let load = exceeding[namespace] else { return nil }
        if let former = entry.former, entry.bytes <= former || load.storedBytes <= Self.maximumBytesOfChanges {
            return nil
        }
        return .init(
            "namespace_quota",
            "The namespace \(namespace) has \(load.documents) documents of \(load.bytes) bytes: more than \(Self.maximumDocuments) or \(Self.maximumBytes), or than what others leave of \(Self.maximumDocumentsOfAll). What is in force stays, and can be changed and deleted; nothing new is taken until some are deleted."
        )
    }
}
