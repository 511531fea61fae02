import Collateral
import RATS
import Testing

@testable import claviger

@Suite("importing collateral")
struct CollateralImportTests {
    @Test("what is too much for one bundle is sent in several, nothing is left out, and a large item goes alone")
    func portions() throws {
        let items = try [10, 10, 5_000, 10, 10].enumerated().map { index, size in
            CollateralBundleItem(
                name: try #require(CollateralName("test/\(index)")),
                item: CollateralItem(body: [UInt8](repeating: 1, count: size)), source: "a")
        }
        let portions = CollateralImportCommand.portions(items, bytes: 2_000)
        #expect(portions.map(\.count) == [2, 1, 2])
        #expect(portions.flatMap(\.self) == items)
        #expect(CollateralImportCommand.portions([]).isEmpty)
    }

    @Test(
        "files of other tools need a key, a bundle takes none, and one of them must be named",
        arguments: [[], ["a", "--key", "k"], ["--pcs-file", "f"], ["a", "--pcs-file", "f", "--key", "k"]])
    func arguments(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try CollateralImportCommand.parse(arguments) }
    }
}
