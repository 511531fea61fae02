import Encodings
import Testing

@Suite("Reading bytes")
struct ByteReaderTests {
    @Test("integers are read in either order")
    func integers() throws {
        var reader = ByteReader([1] + [1, 2, 1, 2] + [1, 2, 3, 4, 1, 2, 3, 4] + Array(1...8) + Array(1...8))
        #expect(try reader.u8() == 1)
        #expect(try reader.u16BE() == 0x0102)
        #expect(try reader.u16LE() == 0x0201)
        #expect(try reader.u32BE() == 0x0102_0304)
        #expect(try reader.u32LE() == 0x0403_0201)
        #expect(try reader.u64BE() == 0x0102_0304_0506_0708)
        #expect(try reader.u64LE() == 0x0807_0605_0403_0201)
        #expect(reader.isAtEnd && reader.remaining == 0)
        try reader.requireEnd()
    }

    @Test("nothing is read past the end, and a failed read moves nothing")
    func bounds() throws {
        var reader = ByteReader([1, 2, 3])
        #expect(throws: ByteReaderError.self) { try reader.u32BE() }
        #expect(throws: ByteReaderError.self) { try reader.bytes(4) }
        #expect(throws: ByteReaderError.self) { try reader.bytes(-1) }
        #expect(throws: ByteReaderError.self) { try reader.skip(.max) }
        #expect(reader.position == 0 && reader.peek() == 1)
        #expect(try reader.bytes(2) == [1, 2])
        let error = #expect(throws: ByteReaderError.self) { try reader.requireEnd() }
        #expect(error?.code == "trailing_bytes" && error?.offset == 2)
        #expect(reader.rest() == [3])
        #expect(reader.peek() == nil && reader.rest() == [])
    }
}
