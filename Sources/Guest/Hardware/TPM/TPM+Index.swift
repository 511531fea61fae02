/// What a TPM says of a piece of its non-volatile memory (TPMS_NV_PUBLIC; TPM 2.0 Library, part 2, section 13.6).
struct TPMIndex: Sendable, Hashable {
    /// What may be done with an index, and by whom (TPMA_NV).
    struct Attributes: OptionSet, Sendable, Hashable {
        let rawValue: UInt32

        static let ownerMayWrite = Attributes(rawValue: 1 << 1)
        static let passwordMayWrite = Attributes(rawValue: 1 << 2)
        static let platformMayRead = Attributes(rawValue: 1 << 16)
        static let ownerMayRead = Attributes(rawValue: 1 << 17)
        static let passwordMayRead = Attributes(rawValue: 1 << 18)
    }

    let handle: UInt32
    let attributes: Attributes
    /// The size of the index in bytes.
    let size: Int
}

extension TPM {
    /// The owner's hierarchy, whose password guests leave empty.
    private static let owner: UInt32 = 0x4000_0001
    private static let usualChunk = 512

    /// What the TPM says of an index; nil when there is none.
    func index(_ handle: UInt32) throws(TPMError) -> TPMIndex? {
        var answer: TPMAnswer
        do throws(TPMError) {
            answer = try self.answer(TPMCommand(code: .readIndexPublic, handles: [handle]))
        } catch {
            guard error.isMissingHandle else { throw error }
            return nil
        }
        var area = TPMAnswer(try answer.counted(), "The TPM's description of an index")
        guard try area.u32() == handle else { throw area.malformed("it is of another index") }
        _ = try area.u16()  // the algorithm of the index's name
        let attributes = TPMIndex.Attributes(rawValue: try area.u32())
        _ = try area.counted()  // the policy that authorizes the use of the index
        let size = Int(try area.u16())
        try area.requireEnd()
        return TPMIndex(handle: handle, attributes: attributes, size: size)
    }

    /// The whole content of an index.
    func read(_ index: TPMIndex) throws(TPMError) -> [UInt8] {
        let authority = index.attributes.contains(.ownerMayRead) ? Self.owner : index.handle
        let chunk = try largestChunk()
        var content: [UInt8] = []
        while content.count < index.size {
            let count = min(chunk, index.size - content.count)
            var answer = try answer(
                TPMCommand(
                    code: .readIndex, handles: [authority, index.handle], isAuthorized: true,
                    parameters: BigEndian.bytes(UInt16(count)) + BigEndian.bytes(UInt16(content.count))))
            let part = try answer.counted()
            guard part.count == count else { throw answer.malformed("it has \(part.count) bytes of \(count)") }
            content += part
        }
        return content
    }

    /// Writes from the beginning of an index. What does not fit is refused before anything is written.
    func write(_ bytes: [UInt8], to index: TPMIndex) throws(TPMError) {
        guard bytes.count <= index.size else {
            throw .unavailable("The TPM's index 0x\(String(index.handle, radix: 16)) has only \(index.size) bytes.")
        }
        let authority = index.attributes.contains(.ownerMayWrite) ? Self.owner : index.handle
        let chunk = try largestChunk()
        for start in stride(from: 0, to: bytes.count, by: chunk) {
            let part = Array(bytes[start..<min(start + chunk, bytes.count)])
            _ = try answer(
                TPMCommand(
                    code: .writeIndex, handles: [authority, index.handle], isAuthorized: true,
                    parameters: BigEndian.counted(part) + BigEndian.bytes(UInt16(start))))
        }
    }

    /// Makes an index that the owner may read and write.
    func define(_ handle: UInt32, size: Int) throws(TPMError) -> TPMIndex {
        let attributes: TPMIndex.Attributes = [.ownerMayWrite, .ownerMayRead, .platformMayRead]
        let area =
            BigEndian.bytes(handle) + BigEndian.bytes(Self.bank) + BigEndian.bytes(attributes.rawValue)
            + BigEndian.counted([]) + BigEndian.bytes(UInt16(clamping: size))
        _ = try answer(
            TPMCommand(
                code: .defineIndex, handles: [Self.owner], isAuthorized: true,
                parameters: BigEndian.counted([]) + BigEndian.counted(area)))
        return TPMIndex(handle: handle, attributes: attributes, size: size)
    }

    /// How many bytes of an index the TPM reads or writes at once (TPM_PT_NV_BUFFER_MAX).
    private func largestChunk() throws(TPMError) -> Int {
        let properties: UInt32 = 6
        let property: UInt32 = 0x12C
        var answer = try answer(
            TPMCommand(
                code: .getCapability,
                parameters: [properties, property, 1].flatMap { BigEndian.bytes($0) }))
        _ = try answer.u8()  // whether there are more
        guard try answer.u32() == properties, try answer.u32() == 1, try answer.u32() == property else {
            return Self.usualChunk
        }
        return min(max(Int(clamping: try answer.u32()), 1), 2048)
    }
}
