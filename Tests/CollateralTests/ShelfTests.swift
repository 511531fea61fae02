import Foundation
import RATS
import Testing

@testable import Collateral

@Suite("What a cache has in memory", .timeLimit(.minutes(5)))
struct ShelfTests {
    private func entry(_ sequence: UInt64, permanent: Bool = false) -> CollateralEntry {
        CollateralEntry(
            name: .sample, item: CollateralItem(body: [UInt8(truncatingIfNeeded: sequence)]),
            validity: CollateralValidity(
                issued: noon, nextUpdate: permanent ? nil : noon.addingTimeInterval(86_400),
                sequence: permanent ? nil : sequence),
            source: "test", fetchedAt: noon)
    }

    @Test("what was read before another replica stored a newer issue is not kept afterwards")
    func race() {
        let shelf = CollateralShelf(capacity: 10)
        let generation = shelf.generation
        shelf.drop(.sample)
        #expect(shelf.put(entry(1), readAt: generation))
        #expect(shelf[.sample] == nil)
        #expect(shelf.put(entry(2), readAt: shelf.generation))
        #expect(shelf[.sample]?.validity.sequence == 2)
        let before = shelf.generation
        shelf.dropAll()
        #expect(shelf.put(entry(2), readAt: before))
        #expect(shelf[.sample] == nil)
        // A certificate is never replaced.
        #expect(shelf.put(entry(0, permanent: true), readAt: before))
        #expect(shelf[.sample] != nil)
    }

    @Test("a newer issue in the database drives out what is in memory, the same one does not")
    func behind() throws {
        let shelf = CollateralShelf(capacity: 10)
        shelf.put(entry(2), readAt: shelf.generation)
        shelf.dropWhatIsBehind(try #require(entry(2).mark), of: .sample)
        #expect(shelf[.sample] != nil)
        shelf.dropWhatIsBehind(try #require(entry(3).mark), of: .sample)
        #expect(shelf[.sample] == nil)
        #expect(!shelf.put(entry(1), readAt: shelf.generation))
    }
}
