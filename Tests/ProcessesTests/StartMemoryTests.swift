import Foundation
import Testing

@testable import Processes

@Suite("Memory of the start")
struct StartMemoryTests {
    /// Kilobytes of the code that are in this process's memory.
    private static func residentCode() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8)
        var (isCode, total) = (false, 0)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0].contains("-") { isCode = words.count > 5 && words[1] == "r-xp" && words[5].hasPrefix("/") }
            if isCode, words[0] == "Rss:" { total += Int(words[1]) ?? 0 }
        }
        return total
    }

    @Test("code that nobody uses leaves the memory, and comes back when it is used")
    func release() async throws {
        // In a process of its own, where no other test runs at the same time.
        await #expect(processExitsWith: .success) {
            let digits = { String(Double.pi * 1_000_000).count + UUID().uuidString.count }
            let before = (try Self.residentCode(), digits())
            StartMemory.release()
            let after = try Self.residentCode()
            try #require(before.0 > 0 && after < before.0)
            try #require(digits() == before.1)
        }
    }
}
