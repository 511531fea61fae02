import Synchronization

/// One line on standard error that rewrites itself, only where a person sees it.
final class ProgressLine: Sendable {
    private let enabled = Terminal.errorIsTerminal
    private let shown = Mutex("")

    /// Shows how far a step of work has come.
    func show(_ label: String, done: Int64, total: Int64) {
        guard enabled else { return }
        let percent = total > 0 ? done * 100 / total : 100
        let text = "\(label) \(percent) %"
        shown.withLock { current in
            guard current != text else { return }
            current = text
            Terminal.write(Array("\r\u{1B}[K\(text)".utf8), to: 2)
        }
    }

    /// Clears the line.
    func finish() {
        guard enabled else { return }
        shown.withLock { current in
            guard !current.isEmpty else { return }
            current = ""
            Terminal.write(Array("\r\u{1B}[K".utf8), to: 2)
        }
    }
}
