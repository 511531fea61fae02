import Encodings
import Testing

@Suite("Secret bytes")
struct SecretBytesTests {
    @Test("descriptions, interpolation, dumps and mirrors show nothing")
    func redaction() {
        let secret = SecretBytes(Array("hunter2hunter2".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in [
            "\(secret)", String(reflecting: secret), String(describing: Optional(secret)), dumped, "\([secret])",
        ] {
            #expect(text.contains("14 secret bytes"))
            #expect(!text.contains("104") && !text.contains("hunter") && !text.contains("68756e"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
    }

    @Test("equality looks at all bytes")
    func equality() {
        #expect(SecretBytes([1, 2, 3]) == SecretBytes([1, 2, 3]))
        #expect(SecretBytes([1, 2, 3]) != SecretBytes([1, 2, 4]))
        #expect(SecretBytes([1, 2, 3]) != SecretBytes([1, 2]))
        #expect(SecretBytes([]) == SecretBytes([]))
        #expect(
            constantTimeEqual([1, 2], [1, 2]) && !constantTimeEqual([1, 2], [2, 2]) && !constantTimeEqual([], [1]))
    }

    @Test("bytes come out as they went in")
    func contents() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        let secret = SecretBytes(bytes)
        #expect(secret.count == 300 && !secret.isEmpty)
        #expect(secret.copyBytes() == bytes)
        #expect(secret.withUnsafeBytes { Array($0) } == bytes)
        #expect(bytes.withUnsafeBytes { SecretBytes(copying: $0) } == secret)
    }

    @Test("a wiped array is zeroed and empty, its secret lives on")
    func wiping() {
        var bytes: [UInt8] = [7, 7, 7]
        let secret = SecretBytes(wiping: &bytes)
        #expect(bytes.isEmpty)
        #expect(secret.copyBytes() == [7, 7, 7])
        var memory: [UInt8] = [1, 2, 3, 4]
        memory.withUnsafeMutableBytes { wipe($0) }
        #expect(memory == [0, 0, 0, 0])
    }

    @Test("random secrets have their length and differ")
    func random() {
        let first = SecretBytes.random(count: 32)
        #expect(first.count == 32)
        #expect(first != SecretBytes.random(count: 32))
        #expect(SecretBytes.random(count: -1).isEmpty)
    }
}
