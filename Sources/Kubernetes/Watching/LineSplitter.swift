/// Cuts a stream of bytes into lines at line feeds, and at nothing else: other line breaks are legal within JSON strings.
///
/// Holds at most one line of the allowed length and the piece that was added last.
struct LineSplitter {
    private let maximumLineBytes: Int
    private var bytes: [UInt8] = []
    private var start = 0
    private var scanned = 0

    init(maximumLineBytes: Int) {
        self.maximumLineBytes = maximumLineBytes
    }

    /// Whether there are bytes after the last line feed.
    var hasRest: Bool { start < bytes.count }

    mutating func append(_ piece: [UInt8]) {
        bytes.removeFirst(start)
        (start, scanned) = (0, scanned - start)
        bytes.append(contentsOf: piece)
    }

    /// The next whole line that is not empty, without its line feed.
    mutating func next() throws(KubernetesError) -> [UInt8]? {
        while let end = bytes[scanned...].firstIndex(of: 0x0A) {
            let line = bytes[start..<end]
            (start, scanned) = (end + 1, end + 1)
            guard line.count <= maximumLineBytes else { throw tooLong() }
            if !line.isEmpty { return Array(line) }
        }
        scanned = bytes.count
        guard bytes.count - start <= maximumLineBytes else { throw tooLong() }
        return nil
    }

    private func tooLong() -> KubernetesError {
        .malformed("A line of the watch is longer than \(maximumLineBytes) bytes.")
    }
}
