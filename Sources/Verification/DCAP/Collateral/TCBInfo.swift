import FoundationEssentials
import RATS

/// Intel's list of the security levels of one family of platforms (TCB info, version 3).
struct TCBInfo: Sendable {
    /// A level and the least security versions that reach it.
    struct Level: Sendable {
        /// Of the 16 components in the platform's certificate.
        let components: [UInt16]
        let pceSVN: UInt16
        /// Of the 16 components in the trust domain's report; only in TCB infos for TDX.
        let tdxComponents: [UInt16]?
        let rating: TCBRating
    }

    /// Who a TDX module must be.
    struct Module: Sendable {
        let signer: [UInt8]
        let attributes: [UInt8]
        let attributesMask: [UInt8]
    }

    /// A later major version of the TDX module, with levels of its own.
    struct ModuleIdentity: Sendable {
        let module: Module
        let levels: [EnclaveLevel]
    }

    let kind: CollateralName.IntelQuoteKind
    let issued: Date
    let nextUpdate: Date
    /// The family of platforms, 6 bytes.
    let fmspc: [UInt8]
    let pceID: [UInt8]
    let evaluationNumber: UInt32
    /// The TDX module of major version 0.
    let module: Module?
    /// Later major versions by their number.
    let modules: [UInt8: ModuleIdentity]
    /// From the highest to the lowest.
    let levels: [Level]

    static let title = "TCB info"

    /// Reads the signed object. Throws `malformed_collateral` and `unsupported_collateral_version`.
    init(_ object: IntelObject) throws(VerificationError) {
        let version: UInt32 = try object.integer("version")
        guard version == 3 else {
            throw VerificationError(
                code: "unsupported_collateral_version",
                message:
                    "The TCB info has version \(version), and only version 3 is used: fetch it from version 4 of Intel's service."
            )
        }
        // Type 0 is the only meaning of the components that Intel has defined.
        guard try object.integer("tcbType") as UInt32 == 0 else { throw object.malformed("“tcbType” is not 0") }
        switch try object.text("id") {
        case "SGX": kind = .sgx
        case "TDX": kind = .tdx
        default: throw object.malformed("“id” is neither SGX nor TDX")
        }
        issued = try object.date("issueDate")
        nextUpdate = try object.date("nextUpdate")
        fmspc = try object.bytes("fmspc", count: 6)
        pceID = try object.bytes("pceId", count: 2)
        evaluationNumber = try object.integer("tcbEvaluationDataNumber")
        module = object.has("tdxModule") ? try Module(object.object("tdxModule")) : nil
        modules = try Self.modules(object)
        var levels: [Level] = []
        for level in try object.objects("tcbLevels") { levels.append(try Level(level, kind: kind)) }
        self.levels = levels
    }

    private static func modules(_ object: IntelObject) throws(VerificationError) -> [UInt8: ModuleIdentity] {
        guard object.has("tdxModuleIdentities") else { return [:] }
        var modules: [UInt8: ModuleIdentity] = [:]
        for identity in try object.objects("tdxModuleIdentities") {
            // The number is hexadecimal: TDX_10 is the module of major version 16.
            let id = try identity.text("id").uppercased()
            guard id.hasPrefix("TDX_"), id.utf8.count == 6, let number = UInt8(id.dropFirst(4), radix: 16),
                id.utf8.dropFirst(4).first != UInt8(ascii: "+")
            else { throw object.malformed("a TDX module has no identifier such as TDX_01") }
            let value = ModuleIdentity(module: try Module(identity), levels: try EnclaveLevel.all(identity))
            guard modules.updateValue(value, forKey: number) == nil else {
                throw object.malformed("a TDX module is there twice")
            }
        }
        return modules
    }
}

extension TCBInfo.Module {
    fileprivate init(_ object: IntelObject) throws(VerificationError) {
        signer = try object.bytes("mrsigner", count: 48)
        attributes = try object.bytes("attributes", count: 8)
        attributesMask = try object.bytes("attributesMask", count: 8)
    }
}

extension TCBInfo.Level {
    fileprivate init(_ object: IntelObject, kind: CollateralName.IntelQuoteKind) throws(VerificationError) {
        let tcb = try object.object("tcb")
        components = try Self.components(tcb, "sgxtcbcomponents")
        pceSVN = try tcb.integer("pcesvn")
        tdxComponents = kind == .tdx ? try Self.components(tcb, "tdxtcbcomponents") : nil
        rating = try object.rating()
    }

    private static func components(_ tcb: IntelObject, _ name: String) throws(VerificationError) -> [UInt16] {
        var versions: [UInt16] = []
        for component in try tcb.objects(name) { versions.append(try component.integer("svn")) }
        guard versions.count == 16 else { throw tcb.malformed("a level has not 16 components") }
        return versions
    }
}

/// A level of an enclave or a TDX module and the least security version that reaches it.
struct EnclaveLevel: Sendable {
    let securityVersion: UInt16
    let rating: TCBRating

    /// The levels of an identity, from the highest to the lowest.
    static func all(_ identity: IntelObject) throws(VerificationError) -> [EnclaveLevel] {
        var levels: [EnclaveLevel] = []
        for level in try identity.objects("tcbLevels") {
            levels.append(
                EnclaveLevel(securityVersion: try level.object("tcb").integer("isvsvn"), rating: try level.rating()))
        }
        return levels
    }
}

extension [EnclaveLevel] {
    /// What Intel says of this security version; `nil` when it is below all levels.
    func rating(of securityVersion: UInt64) -> TCBRating? {
        first { UInt64($0.securityVersion) <= securityVersion }?.rating
    }
}
