import Encodings

/// The sponge of SHA-3 (FIPS 202) at the rate of cSHAKE256.
struct Keccak256Sponge {
    /// Bytes that go in or come out between two permutations.
    static let rate = 136

    private var state = [UInt64](repeating: 0, count: 25)
    private var position = 0

    mutating func absorb(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            add(byte, at: position)
            position += 1
            if position == Self.rate {
                permute()
                position = 0
            }
        }
    }

    /// Absorbs zeros up to the end of the block, unless it has just begun.
    mutating func fillBlock() {
        guard position > 0 else { return }
        permute()
        position = 0
    }

    /// Ends the input with the given domain bits and returns the output; the state is wiped.
    mutating func finish(domain: UInt8, outputBytes: Int) -> [UInt8] {
        add(domain, at: position)
        add(0x80, at: Self.rate - 1)
        var output = [UInt8]()
        output.reserveCapacity(outputBytes)
        while output.count < outputBytes {
            permute()
            for index in 0..<min(Self.rate, outputBytes - output.count) {
                output.append(UInt8(truncatingIfNeeded: state[index / 8] >> UInt64(index % 8 * 8)))
            }
        }
        state.withUnsafeMutableBytes { wipe($0) }
        return output
    }

    private mutating func add(_ byte: UInt8, at index: Int) {
        state[index / 8] ^= UInt64(byte) << UInt64(index % 8 * 8)
    }

    private mutating func permute() {
        for constant in Self.roundConstants {
            theta()
            rhoAndPi()
            chi()
            state[0] ^= constant
        }
    }

    private mutating func theta() {
        let (a, b, c, d, e) = (parity(0), parity(1), parity(2), parity(3), parity(4))
        change(column: 0, by: e ^ rotate(b, 1))
        change(column: 1, by: a ^ rotate(c, 1))
        change(column: 2, by: b ^ rotate(d, 1))
        change(column: 3, by: c ^ rotate(e, 1))
        change(column: 4, by: d ^ rotate(a, 1))
    }

    private func parity(_ x: Int) -> UInt64 {
        state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
    }

    private mutating func change(column x: Int, by bits: UInt64) {
        for y in stride(from: 0, to: 25, by: 5) { state[x + y] ^= bits }
    }

    private mutating func rhoAndPi() {
        var lane = state[1]
        for step in 0..<24 {
            let target = Self.lanes[step]
            let displaced = state[target]
            state[target] = rotate(lane, Self.rotations[step])
            lane = displaced
        }
    }

    private mutating func chi() {
        // Lanes are derived from secrets: none is put into an array that nobody wipes.
        for y in stride(from: 0, to: 25, by: 5) {
            let (first, second) = (state[y], state[y + 1])
            state[y] ^= ~second & state[y + 2]
            state[y + 1] ^= ~state[y + 2] & state[y + 3]
            state[y + 2] ^= ~state[y + 3] & state[y + 4]
            state[y + 3] ^= ~state[y + 4] & first
            state[y + 4] ^= ~first & second
        }
    }

    private func rotate(_ lane: UInt64, _ bits: UInt64) -> UInt64 {
        lane << bits | lane >> (64 - bits)
    }

    private static let rotations: [UInt64] = [
        1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
    ]
    private static let lanes = [
        10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
    ]
    private static let roundConstants: [UInt64] = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808A, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808B, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008A, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000A,
        0x0000_0000_8000_808B, 0x8000_0000_0000_008B, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800A, 0x8000_0000_8000_000A,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]
}
