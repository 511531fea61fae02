/// Where an exchange puts what it receives. The transfer loop's thread calls, and must not be held up.
protocol ResponseSink: AnyObject, Sendable {
    /// Takes status and headers of the final response; comes once, before any byte of the body.
    func begin(status: Int, headers: [(name: String, value: String)])
    /// Takes bytes of the body.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Reception
    /// The exchange is over, well when there is no failure; comes last and once.
    func end(_ failure: HTTPTransportError?)
}

/// What became of bytes that a sink was given.
enum Reception {
    case taken
    /// None were taken: the exchange pauses until it is resumed, and then gives them again.
    case paused
    /// More than this many bytes are not accepted: the exchange ends.
    case refused(limit: Int)
}
