/// The SM3 hash function (GB/T 32905-2016, ISO/IEC 10118-3).
enum SM3 {
    static func digest(of message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [
            0x7380_166f, 0x4914_b2b9, 0x1724_42d7, 0xda8a_0600, 0xa96f_30bc, 0x1631_38aa, 0xe38d_ee4d, 0xb0fb_0e4e,
        ]
        var padded = message
        padded.append(0x80)
        padded.append(contentsOf: repeatElement(0, count: (120 - padded.count % 64) % 64))
        let bits = UInt64(message.count) &* 8
        padded.append(contentsOf: (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) })
        for start in stride(from: 0, to: padded.count, by: 64) {
            compress(&state, padded[start..<start + 64])
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
    }

    private static func compress(_ state: inout [UInt32], _ block: ArraySlice<UInt8>) {
        let words = expand(block)
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        var (e, f, g, h) = (state[4], state[5], state[6], state[7])
        for round in 0..<64 {
            let constant: UInt32 = round < 16 ? 0x79cc_4519 : 0x7a87_9d8a
            let first = rotate(rotate(a, 12) &+ e &+ rotate(constant, round % 32), 7)
            let second = first ^ rotate(a, 12)
            let mixed = round < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c)
            let chosen = round < 16 ? e ^ f ^ g : (e & f) | (~e & g)
            let next = mixed &+ d &+ second &+ (words[round] ^ words[round + 4])
            let other = chosen &+ h &+ first &+ words[round]
            (d, c, b, a) = (c, rotate(b, 9), a, next)
            (h, g, f, e) = (g, rotate(f, 19), e, other ^ rotate(other, 9) ^ rotate(other, 17))
        }
        for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] ^= value }
    }

    private static func expand(_ block: ArraySlice<UInt8>) -> [UInt32] {
        var words: [UInt32] = []
        words.reserveCapacity(68)
        for index in stride(from: block.startIndex, to: block.endIndex, by: 4) {
            words.append(block[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) })
        }
        for index in 16..<68 {
            let mixed = words[index - 16] ^ words[index - 9] ^ rotate(words[index - 3], 15)
            let permuted = mixed ^ rotate(mixed, 15) ^ rotate(mixed, 23)
            words.append(permuted ^ rotate(words[index - 13], 7) ^ words[index - 6])
        }
        return words
    }

    private static func rotate(_ word: UInt32, _ count: Int) -> UInt32 {
        count == 0 ? word : word << UInt32(count) | word >> UInt32(32 - count)
    }
}
