import Encodings
import RATS
import Verification
import X509Trust

extension VerifierConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        if let names = try section.texts("kinds") {
            kinds = []
            for name in names {
                guard let tee = TEE(wireName: name), Self.knownKinds.contains(tee) else {
                    let known = Self.knownKinds.map(\.rawValue).joined(separator: ", ")
                    throw section.invalid("kinds", "has \(name); known here: \(known).")
                }
                kinds.append(tee)
            }
        }
        if var part = try section.section("snp") { snp = try SNPConfiguration(&part) }
        if var part = try section.section("intel") { intel = try IntelConfiguration(&part) }
        if var part = try section.section("tdx") { tdx = try TDXConfiguration(&part) }
        if var part = try section.section("sgx") { sgx = try SGXConfiguration(&part) }
        if var part = try section.section("cca") { cca = try CCAConfiguration(&part) }
        if var part = try section.section("se") { se = try SEConfiguration(&part) }
        if var part = try section.section("nitro") { nitro = try NitroConfiguration(&part) }
        if var part = try section.section("nvidia") { nvidia = try NVIDIAConfiguration(&part) }
        if var part = try section.section("sev") { sev = try SEVConfiguration(&part) }
        if var part = try section.section("pef") { pef = try PEFConfiguration(&part) }
        if var part = try section.section("hygondcu") { dcu = try DCUConfiguration(&part) }
        if var part = try section.section("nvidia-dpu") { nvidiaDPU = try NVIDIADPUVerifier.Options(&part) }
        if var part = try section.section("csv") {
            csvAllowsVersion1 = try part.flag("allowVersion1") ?? csvAllowsVersion1
            try part.finish()
        }
        if var part = try section.section("azure") {
            azureMinimumVersion = try part.integer("minimumVersion", in: 0...2) ?? azureMinimumVersion
            try part.finish()
        }
        if var part = try section.section("tpm") {
            for text in try part.texts("trustedKeys") ?? [] {
                tpmTrustedKeys.insert(try Self.publicKey(text, in: part))
            }
            tpmRefusesUnknownKeys = try part.flag("refuseUnknownKeys") ?? tpmRefusesUnknownKeys
            try part.finish()
        }
        try section.finish()
    }

    private static func publicKey(_ text: String, in section: ConfigurationSection) throws(ConfigurationError)
        -> [UInt8]
    {
        guard let bytes = try? Base64.decode(text), let key = try? PublicKey(spki: bytes) else {
            throw section.invalid(
                "trustedKeys", "has \(text.prefix(40)), which is no public key (base64 of SPKI in DER).")
        }
        return key.spki
    }
}

extension SNPConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        allowsDebug = try section.flag("allowDebug") ?? allowsDebug
        allowsMigration = try section.flag("allowMigration") ?? allowsMigration
        allowsMaskedChipID = try section.flag("allowMaskedChipID") ?? allowsMaskedChipID
        if let levels = try section.texts("vmpls") {
            vmpls = []
            for level in levels {
                guard let number = UInt32(level), number < 4 else {
                    throw section.invalid("vmpls", "has \(level), which is no level from 0 to 3.")
                }
                vmpls.insert(number)
            }
        }
        for name in try section.texts("version2Products") ?? [] {
            version2Products.insert(try Self.product(name, "version2Products", in: section))
        }
        providers = try section.texts("providers").map(Set.init)
        requiresRevocationList = try section.flag("requireRevocationList") ?? requiresRevocationList
        revocationGrace =
            try section.duration("revocationGrace", in: .zero ... .seconds(366 * 86_400)) ?? revocationGrace
        for var item in try section.sections("minimumTCB") ?? [] {
            let product = try Self.product(try item.requiredText("product"), "product", in: item)
            minimumTCB[product] = try SNPTCBLevels(&item)
        }
        try section.finish()
    }

    private static func product(
        _ name: String, _ key: String, in section: ConfigurationSection
    ) throws(ConfigurationError) -> SNPProduct {
        guard let product = SNPProduct(rawValue: name) else {
            let known = SNPProduct.allCases.map(\.rawValue).joined(separator: ", ")
            throw section.invalid(key, "has \(name); known here: \(known).")
        }
        return product
    }
}

extension SNPTCBLevels {
    fileprivate init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        func level(_ name: String) throws(ConfigurationError) -> UInt8? {
            try section.integer(name, in: 0...255).map { UInt8($0) }
        }
        self.init(
            fmc: try level("fmc"), bootloader: try level("bootloader") ?? 0, tee: try level("tee") ?? 0,
            snp: try level("snp") ?? 0, microcode: try level("microcode") ?? 0)
        try section.finish()
    }
}

extension IntelConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        if let name = try section.text("channel") {
            guard let known = CollateralName.IntelUpdateChannel(rawValue: name) else {
                throw section.invalid("channel", "must be early or standard.")
            }
            channel = known
        }
        grace = try section.duration("grace", in: .zero ... .seconds(366 * 86_400)) ?? grace
        let number = try section.integer("minimumEvaluationNumber", in: 0...Int(Int32.max))
        minimumEvaluationNumber = number.map { UInt32($0) } ?? minimumEvaluationNumber
        try section.finish()
    }
}

extension TDXConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        allowsDebug = try section.flag("allowDebug") ?? allowsDebug
        allowsProfiling = try section.flag("allowProfiling") ?? allowsProfiling
        for text in try section.texts("serviceTDs") ?? [] {
            guard let digest = try? Hex.decode(text), digest.count == 48 else {
                throw section.invalid("serviceTDs", "has \(text), which is not 48 bytes in hexadecimal digits.")
            }
            serviceTDs.insert(digest)
        }
        try section.finish()
    }
}

extension SGXConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        allowsDebug = try section.flag("allowDebug") ?? allowsDebug
        allowsProvisioningKey = try section.flag("allowProvisioningKey") ?? allowsProvisioningKey
        try section.finish()
    }
}
