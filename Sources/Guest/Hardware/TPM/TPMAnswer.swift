import Encodings

/// A TPM's answer to a command: a cursor over its handles and parameters that never reads past their end.
struct TPMAnswer {
    /// More than any TPM sends; the kernel has room for 4096 bytes.
    static let maximumBytes = 8192
    static let headerBytes = 10

    private var reader: ByteReader
    private let subject: String

    /// A cursor over a structure of a TPM; `subject` names it in errors.
    init(_ bytes: [UInt8], _ subject: String) {
        reader = ByteReader(bytes)
        self.subject = subject
    }

    /// Reads an answer's head, and its authorizations so far as to leave them out.
    ///
    /// Throws `refused` with the TPM's response code.
    init(parsing bytes: [UInt8], to command: TPMCommand) throws(TPMError) {
        self.init(bytes, "The TPM's answer to \(command.code)")
        let tag = try u16()
        let size = try u32()
        guard bytes.count <= Self.maximumBytes, Int(size) == bytes.count else {
            throw malformed("it has \(bytes.count) bytes and says \(size)")
        }
        let code = try u32()
        guard code == TPMResponseCode.success else { throw .refused(command.code, code) }
        guard tag == (command.isAuthorized ? TPMCommand.withSession : TPMCommand.withoutSession) else {
            throw malformed("it has tag \(tag)")
        }
        guard command.isAuthorized else { return }
        let parameters = try self.bytes(Int(clamping: try u32()))
        reader = ByteReader(parameters)
    }

    var isAtEnd: Bool { reader.isAtEnd }

    mutating func u8() throws(TPMError) -> UInt8 { try bytes(1)[0] }
    mutating func u16() throws(TPMError) -> UInt16 { try bytes(2).reduce(0) { $0 << 8 | UInt16($1) } }
    mutating func u32() throws(TPMError) -> UInt32 { try bytes(4).reduce(0) { $0 << 8 | UInt32($1) } }
    /// Bytes behind their count (TPM2B).
    mutating func counted() throws(TPMError) -> [UInt8] { try bytes(Int(try u16())) }
    mutating func rest() -> [UInt8] { reader.rest() }

    mutating func bytes(_ count: Int) throws(TPMError) -> [UInt8] {
        do throws(ByteReaderError) {
            return try reader.bytes(count)
        } catch {
            throw malformed("it ends too early")
        }
    }

    func requireEnd() throws(TPMError) {
        guard reader.isAtEnd else { throw malformed("\(reader.remaining) bytes follow it") }
    }

    func malformed(_ reason: String) -> TPMError { .malformed("\(subject) is not understood: \(reason).") }
}
