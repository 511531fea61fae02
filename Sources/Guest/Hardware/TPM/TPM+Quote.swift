import KBSProtocol

/// What a TPM signed about its registers, and their values.
struct TPMQuoteAnswer: Sendable, Hashable {
    /// The statement (TPMS_ATTEST).
    let message: [UInt8]
    /// The signature over it (TPMT_SIGNATURE).
    let signature: [UInt8]
    /// The values of all 24 registers.
    let registers: [[UInt8]]

    /// The number that an RSASSA signature consists of; nil for every other kind.
    var rsassaSignature: [UInt8]? {
        var reader = TPMAnswer(signature, "The TPM's signature")
        guard (try? reader.u16()) == TPMKeyArea.Scheme.rsassa.rawValue, (try? reader.u16()) != nil,
            let number = try? reader.counted(), reader.isAtEnd
        else { return nil }
        return number
    }
}

extension TPM {
    /// Registers may be extended between the quote and the reading of their values, as often as this.
    private static let quoteAttempts = 8

    /// The public area (TPMT_PUBLIC) of a key.
    func publicArea(of handle: UInt32) throws(TPMError) -> TPMKeyArea {
        var answer = try answer(TPMCommand(code: .readPublic, handles: [handle]))
        return try TPMKeyArea(parsing: answer.counted())
    }

    /// Has a key sign a statement about all registers of the bank with this nonce, and reads the values that it is about.
    func quote(key handle: UInt32, area: TPMKeyArea, nonce: [UInt8]) throws(TPMError) -> TPMQuoteAnswer {
        let selection = Self.selection(of: Array(0..<Self.registerCount))
        let command = TPMCommand(
            code: .quote, handles: [handle], isAuthorized: true,
            parameters: BigEndian.counted(nonce) + area.quoteScheme + selection)
        for _ in 0..<Self.quoteAttempts {
            var answer = try answer(command)
            let message = try answer.counted()
            let quote = TPMQuoteAnswer(message: message, signature: answer.rest(), registers: try registers())
            if try Self.isConsistent(quote) { return quote }
        }
        throw .unavailable("The TPM's registers change faster than they can be quoted and read.")
    }

    /// Whether the signed digest, the last field of the statement, is that of the values.
    private static func isConsistent(_ quote: TPMQuoteAnswer) throws(TPMError) -> Bool {
        var reader = TPMAnswer(quote.signature, "The TPM's signature")
        _ = try reader.u16()
        let number = try reader.u16()
        guard let hash = HashAlgorithm.allCases.first(where: { $0.tcgNumber == number }) else {
            throw reader.malformed("it was made with hash algorithm \(number)")
        }
        let digest = hash.digest(of: Array(quote.registers.joined()))
        return quote.message.suffix(digest.count + 2).elementsEqual(BigEndian.counted(digest))
    }
}

extension HashAlgorithm {
    /// The number in the TCG Algorithm Registry.
    var tcgNumber: UInt16 {
        switch self {
        case .sha256: 0x000B
        case .sha384: 0x000C
        case .sha512: 0x000D
        case .sm3: 0x0012
        }
    }

    /// The size of a digest in bytes.
    var digestBytes: Int {
        switch self {
        case .sha256, .sm3: 32
        case .sha384: 48
        case .sha512: 64
        }
    }
}
