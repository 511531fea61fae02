/// How much of a source each namespace may fill, so that nobody keeps out what others say.
///
/// Whoever goes over his share keeps what he had, and gets nothing new in; all others are judged as if he were not there.
struct SourceShares: Sendable {
    /// The most documents of one namespace.
    static let maximumDocuments = 2_500
    /// The most text of one namespace, in bytes.
    static let maximumBytes = 4_194_304
    /// The most documents of a source: where there are more, the namespaces that have the most give way.
    static let maximumDocumentsOfAll = 10_000

    /// What a list holds of a namespace.
    struct Load: Sendable, Hashable {
        fileprivate(set) var documents = 0
        fileprivate(set) var bytes = 0

        var isWithinShare: Bool {
            documents <= SourceShares.maximumDocuments && bytes <= SourceShares.maximumBytes
        }
    }

    /// The namespaces that have more than their share, with what they have.
    let exceeding: [String: Load]

    /// Counts a list.
    ///
    /// - Parameter documents: For each document its namespace, nil for those of the whole cluster, and the bytes of its text.
    init(_ documents: some Sequence<(namespace: String?, bytes: Int)>, maximumBytesOfDocument: Int) {
        var loads: [String: Load] = [:]
        var left = Self.maximumDocumentsOfAll
        for (namespace, bytes) in documents {
            guard let namespace else {
                left -= 1
                continue
            }
            loads[namespace, default: Load()].documents += 1
            // What is too large to be a document is refused by itself, and takes nobody's room.
            if bytes <= maximumBytesOfDocument { loads[namespace]?.bytes += bytes }
        }
        var exceeding = loads.filter { !$0.value.isWithinShare }
        let others = loads.filter { $0.value.isWithinShare }
            .sorted { ($0.value.documents, $0.key) < ($1.value.documents, $1.key) }
        for (namespace, load) in others {
            left -= load.documents
            if left < 0 { exceeding[namespace] = load }
        }
        self.exceeding = exceeding
    }

    /// Why no document of a namespace is taken; nil when it is within its share.
    func refusal(ofNamespace namespace: String?) -> SourceVerdict.Refusal? {
        guard let namespace, let load = exceeding[namespace] else { return nil }
        return .init(
            "namespace_quota",
            "The namespace \(namespace) has \(load.documents) documents of \(load.bytes) bytes: more than \(Self.maximumDocuments) or \(Self.maximumBytes), or than what others leave of \(Self.maximumDocumentsOfAll). What was taken before stays in force; nothing new is, until some are deleted."
        )
    }
}
