import Testing

/// That a test waited for something in vain: going on would only be waiting for the next thing in vain.
struct NeverCameToBe: Error {}

/// Waits until something holds.
///
/// - Parameter controller: who brings it about: when it has ended, nobody does any more.
/// - Throws: ``NeverCameToBe`` after so long that it never will, or when it cannot any more.
func eventually(
    by controller: TestController? = nil, atMost limit: Duration = .seconds(180),
    _ condition: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let end = ContinuousClock.now + limit
    while try await !condition() {
        let hindrance = controller?.end
        guard hindrance == nil, ContinuousClock.now < end else {
            Issue.record("this never came to be: \(hindrance ?? "time is over")", sourceLocation: sourceLocation)
            throw NeverCameToBe()
        }
        try await Task.sleep(for: .milliseconds(20))
    }
}
