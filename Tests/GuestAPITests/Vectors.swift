import Foundation
import TestInput

enum Vectors: VectorFolder {
    static var bundle: Bundle { .module }
}

/// Polls until the condition holds; the test's time limit ends it otherwise.
func eventually(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await Task.sleep(for: .milliseconds(20)) }
}
