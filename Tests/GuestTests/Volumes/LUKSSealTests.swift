import Encodings
import Foundation
import Testing

@testable import Guest

@Suite("The seal of a volume's header", .timeLimit(.minutes(5)))
struct LUKSSealTests {
    private let key = SecretBytes(Array("a key from the broker".utf8))

    /// A header with its seal.
    private func sealed(_ change: (inout ForgedHeader) -> Void = { _ in }) throws -> ForgedHeader {
        var forged = try ForgedHeader.recorded()
        let token = try VolumeHeader(forged.area()).seal(key).token
        forged.set("/tokens/0", try JSONValue(parsing: token))
        forged.sequence += 1
        change(&forged)
        return forged
    }

    private func code(_ area: [UInt8], _ key: SecretBytes? = nil, allowUnsealed: Bool = false) -> GuestError.Code? {
        do throws(GuestError) {
            try VolumeHeader(area).requireSeal(key ?? self.key, allowUnsealed: allowUnsealed)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("A59: a sealed header is accepted with its key, also where unsealed ones are")
    func valid() throws {
        let area = try sealed().area()
        #expect(code(area) == nil)
        #expect(code(area, allowUnsealed: true) == nil)
    }

    @Test("A59: a changed header is refused, whatever was changed, and so is another key")
    func changed() throws {
        let good = try sealed()
        #expect(code(try good.area(), SecretBytes(Array("another key".utf8)), allowUnsealed: true) == .volumeRefused)
        // Other key slots of the same form.
        #expect(code(try good.area(slots: 0x5B), allowUnsealed: true) == .volumeRefused)
        let changes: [(inout ForgedHeader) -> Void] = [
            { $0.set("/segments/0/offset", "16781312") }, { $0.set("/segments/0/sector_size", 512) },
            { $0.set("/digests/0/salt", .string(Base64.encode(Array(0..<32)))) },
            { $0.uuid = "0a1b2c3d-0000-4000-8000-0123456789ac" },
            { $0.set("/tokens/0/mac", .string(Base64.encode([UInt8](repeating: 0, count: 32)))) },
            { $0.set("/tokens/0/mac", "") }, { $0.set("/tokens/0/version", "2") },
            { $0.set("/tokens/0/keyslots", ["0"]) },
        ]
        for (index, change) in changes.enumerated() {
            #expect(code(try sealedArea(change), allowUnsealed: true) == .volumeRefused, "change \(index)")
        }
    }

    private func sealedArea(_ change: (inout ForgedHeader) -> Void) throws -> [UInt8] {
        let forged = try sealed(change)
        let slots = try sealed().area().dropFirst(forged.bytes.count)
        return forged.bytes + slots
    }

    @Test("A59: a header without seal is refused, unless the operator said otherwise")
    func unsealed() throws {
        let area = try sealed { $0.set("/tokens", .object([:])) }.area()
        #expect(code(area) == .volumeRefused)
        #expect(code(area, allowUnsealed: true) == nil)
    }
}
