/// A command as a TPM takes it (TPM 2.0 Library, part 1, section 18).
///
/// What needs an authorization gets an empty password: keys and indices of guests have none.
struct TPMCommand {
    /// The commands that guests need, by their number (TPM 2.0 Library, part 2, section 6.5.2).
    enum Code: UInt32, CustomStringConvertible {
        case defineIndex = 0x12A
        case writeIndex = 0x137
        case readIndex = 0x14E
        case quote = 0x158
        case readIndexPublic = 0x169
        case readPublic = 0x173
        case getCapability = 0x17A
        case readRegisters = 0x17E
        case extendRegister = 0x182

        var description: String {
            switch self {
            case .defineIndex: "TPM2_NV_DefineSpace"
            case .writeIndex: "TPM2_NV_Write"
            case .readIndex: "TPM2_NV_Read"
            case .quote: "TPM2_Quote"
            case .readIndexPublic: "TPM2_NV_ReadPublic"
            case .readPublic: "TPM2_ReadPublic"
            case .getCapability: "TPM2_GetCapability"
            case .readRegisters: "TPM2_PCR_Read"
            case .extendRegister: "TPM2_PCR_Extend"
            }
        }
    }

    static let withoutSession: UInt16 = 0x8001
    static let withSession: UInt16 = 0x8002
    /// The authorization by password (TPM_RS_PW), without nonce, attributes and password.
    private static let emptyPassword: [UInt8] = [0x40, 0, 0, 9, 0, 0, 0, 0, 0]

    let code: Code
    var handles: [UInt32] = []
    /// Whether the first handle is used with an authorization.
    var isAuthorized = false
    var parameters: [UInt8] = []

    var bytes: [UInt8] {
        var body = handles.flatMap { BigEndian.bytes($0) }
        if isAuthorized { body += BigEndian.bytes(UInt32(Self.emptyPassword.count)) + Self.emptyPassword }
        body += parameters
        return BigEndian.bytes(isAuthorized ? Self.withSession : Self.withoutSession)
            + BigEndian.bytes(UInt32(10 + body.count)) + BigEndian.bytes(code.rawValue) + body
    }
}

/// Numbers with the most significant byte first, as TPMs write them.
enum BigEndian {
    static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian, Array.init)
    }

    /// Bytes behind their count (TPM2B). Whoever calls knows that there are fewer than 65536.
    static func counted(_ bytes: [UInt8]) -> [UInt8] {
        Self.bytes(UInt16(truncatingIfNeeded: bytes.count)) + bytes
    }
}
