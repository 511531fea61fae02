import Glibc

/// A TPM 2.0 that was opened: the commands that a guest needs, each with an empty password where it wants one.
struct TPM {
    /// How many registers a PC's TPM has.
    static let registerCount = 24
    /// The bank of registers that guests of Confidential Containers use: SHA-256, by its number in the TCG Algorithm
    /// Registry.
    static let bank: UInt16 = 0x000B
    static let bankDigestBytes = 32
    private static let attempts = 10

    let transport: any TPMTransport

    func answer(_ command: TPMCommand) throws(TPMError) -> TPMAnswer {
        let bytes = command.bytes
        for attempt in 1... {
            do throws(TPMError) {
                return try TPMAnswer(parsing: transport.exchange(bytes), to: command)
            } catch {
                guard case .refused(let code) = error.reason, TPMResponseCode.again.contains(code),
                    attempt < Self.attempts
                else { throw error }
                usleep(50_000)
            }
        }
        throw .unavailable("The TPM asks for \(command.code) again and again.")
    }
}

/// Registers.
extension TPM {
    /// The values of all registers.
    func registers() throws(TPMError) -> [[UInt8]] {
        try registers(Array(0..<Self.registerCount))
    }

    /// The value of one register.
    func register(_ index: Int) throws(TPMError) -> [UInt8] {
        guard (0..<Self.registerCount).contains(index), let value = try registers([index]).first else {
            throw .unavailable("The TPM has no register \(index).")
        }
        return value
    }

    /// Adds a digest of the bank's size to a register.
    func extend(_ index: Int, with digest: [UInt8]) throws(TPMError) {
        guard (0..<Self.registerCount).contains(index), digest.count == Self.bankDigestBytes else {
            throw .unavailable("Registers 0 to 23 are extended with digests of 32 bytes.")
        }
        let values = BigEndian.bytes(UInt32(1)) + BigEndian.bytes(Self.bank) + digest
        _ = try answer(
            TPMCommand(code: .extendRegister, handles: [UInt32(index)], isAuthorized: true, parameters: values))
    }

    /// The values of the registers, in the given ascending order. A TPM answers with a few at a time.
    private func registers(_ indices: [Int]) throws(TPMError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        while values.count < indices.count {
            let wanted = Array(indices[values.count...])
            var answer = try answer(TPMCommand(code: .readRegisters, parameters: Self.selection(of: wanted)))
            _ = try answer.u32()  // how often registers were changed
            let selected = try Self.selection(reading: &answer)
            let count = Int(clamping: try answer.u32())
            guard count == selected.count, count > 0, selected.elementsEqual(wanted.prefix(count)) else {
                guard count > 0 else { throw .unavailable("The TPM keeps no registers of SHA-256.") }
                throw answer.malformed("it has other registers")
            }
            for _ in 0..<count {
                let value = try answer.counted()
                guard value.count == Self.bankDigestBytes else { throw answer.malformed("a register has another size") }
                values.append(value)
            }
            try answer.requireEnd()
        }
        return values
    }

    /// A selection of registers of the bank (TPML_PCR_SELECTION).
    static func selection(of indices: [Int]) -> [UInt8] {
        var bitmap: [UInt8] = [0, 0, 0]
        for index in indices { bitmap[index / 8] |= 1 << UInt8(index % 8) }
        return BigEndian.bytes(UInt32(1)) + BigEndian.bytes(bank) + [3] + bitmap
    }

    private static func selection(reading answer: inout TPMAnswer) throws(TPMError) -> [Int] {
        let count = try answer.u32()
        guard count == 1 else {
            guard count == 0 else { throw answer.malformed("it selects \(count) banks") }
            return []
        }
        guard try answer.u16() == bank else { throw answer.malformed("it has registers of another bank") }
        let bitmap = try answer.bytes(Int(try answer.u8()))
        guard bitmap.count <= 4 else { throw answer.malformed("its selection is too long") }
        return (0..<bitmap.count * 8).filter { bitmap[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
    }
}
