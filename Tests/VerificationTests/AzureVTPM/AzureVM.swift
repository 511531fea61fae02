import Crypto
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import X509TestSupport
import X509Trust

@testable import Verification

/// A confidential VM on Azure as far as evidence goes: a virtual TPM, and a paravisor that keeps the HCL report. Whatever
/// is in there can be changed before the processor vouches for it.
struct AzureVM {
    var tpm: SoftTPM
    let kind: HCLReport.Kind
    var nonce = [UInt8](1...48)
    var keys: [JSONValue]
    var userData: [UInt8]?
    var configuration: JSONObject = ["console-enabled": true, "secure-boot": true, "vmUniqueId": "A"]
    /// How the runtime data is hashed, and what the report calls that.
    var hash: (name: UInt32, digest: TCGHash) = (1, .sha256)

    init(_ kind: HCLReport.Kind, key: TestKey.Kind = .rsa(2048)) throws {
        self.kind = kind
        tpm = try SoftTPM(key)
        keys = [try Self.jwk(tpm.key.publicKey, name: "HCLAkPub")]
        userData = nonce + [UInt8](repeating: 0, count: 64 - nonce.count)
    }

    var binding: EvidenceBinding { EvidenceBinding(reportData: [nonce]) }

    static func jwk(_ key: PublicKey, name: String, operations: JSONValue? = ["sign"]) throws -> JSONValue {
        // Of an RSA key's encoding everything but the modulus has a fixed size: 33 bytes before, 5 after.
        let modulus = Array(key.spki.dropFirst(33).dropLast(5))
        var jwk: JSONObject = [
            "kid": .string(name), "kty": "RSA", "e": "AQAB", "n": .string(Base64.encodeURL(modulus)),
        ]
        jwk["key_ops"] = operations
        return .object(jwk)
    }

    var runtimeData: [UInt8] {
        var object: JSONObject = ["keys": .array(keys), "vm-configuration": .object(configuration)]
        if let userData { object["user-data"] = .string(Hex.encode(userData).uppercased()) }
        return JSONValue.object(object).serialized()
    }

    /// What the processor's report must hold to vouch for some runtime data.
    func reportData(_ runtimeData: [UInt8]? = nil) -> [UInt8] {
        let digest = hash.digest.digest(of: runtimeData ?? self.runtimeData) ?? []
        return digest + [UInt8](repeating: 0, count: 64 - digest.count)
    }

    func hclReport(hardware: [UInt8], runtimeData: [UInt8]? = nil) -> [UInt8] {
        let data = runtimeData ?? self.runtimeData
        let numbers: ([UInt32]) -> [UInt8] = { $0.flatMap { LogBuilder.littleEndian($0) } }
        var report = Array("HCLA".utf8) + numbers([2, 1236 + UInt32(data.count), 2, 0, 0, 0, 0])
        report += hardware + [UInt8](repeating: 0, count: 1184 - hardware.count)
        report += numbers([20 + UInt32(data.count), 1, kind.rawValue, hash.name, UInt32(data.count)]) + data
        return report + [UInt8](repeating: 0, count: max(0, 2600 - report.count))
    }

    /// Evidence of version 2 with the statement that `change` makes of the right one.
    func evidence(
        report: [UInt8], hardware: [UInt8], version: Int64 = 2,
        _ change: (inout SoftTPM.Statement) -> Void = { _ in }
    ) throws -> JSONValue {
        var statement = tpm.statement(nonce: nonce)
        change(&statement)
        let signature = try tpm.key.sign(statement.bytes, .rsaPKCS1(.sha256))
        let registers = tpm.registers.map { JSONValue.string(Hex.encode($0)) }
        return [
            "version": .int(version),
            "tpm_quote": [
                "signature": .string(Hex.encode(signature)), "message": .string(Hex.encode(statement.bytes)),
                "pcrs": .array(registers),
            ],
            "hcl_report": .string(Base64.encodeURL(report)),
            kind == .snp ? "vcek" : "td_quote": .string(Base64.encodeURL(hardware)),
        ]
    }
}

extension AzureVM {
    /// Evidence of a VM on the stand-in for AMD.
    func evidence(
        on guest: SNPGuest, version: Int64 = 2, vouchingFor runtimeData: [UInt8]? = nil,
        report changeReport: (inout SNPReport) -> Void = { _ in },
        statement changeStatement: (inout SoftTPM.Statement) -> Void = { _ in }
    ) throws -> JSONValue {
        var report = guest.report
        report.reportData = reportData(runtimeData)
        changeReport(&report)
        let signed = try report.signed(by: guest.key)
        return try evidence(
            report: hclReport(hardware: signed), hardware: guest.key.certificate, version: version, changeStatement)
    }

    /// Evidence of a VM on the stand-in for Intel.
    func evidence(
        on intel: IntelStandIn, tdReport changeReport: (inout [UInt8]) -> Void = { _ in },
        quote changeQuote: (TrustDomainReport) -> TrustDomainReport = { $0 }
    ) throws -> JSONValue {
        let domain = try TrustDomainReport.plain(reportData: reportData())
            .replacing(.launchMeasurement, [UInt8](repeating: 0x3D, count: 48))
            .replacing(.register0, [UInt8](repeating: 0x30, count: 48))
        var bytes = Self.tdReport(domain)
        changeReport(&bytes)
        return try evidence(
            report: hclReport(hardware: bytes), hardware: try intel.quote(changeQuote(domain)).encoded)
    }

    /// The TDREPORT of the domain that a quote is about.
    static func tdReport(_ domain: TrustDomainReport) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1024)
        bytes[0] = 0x81
        bytes.replaceSubrange(128..<192, with: domain[.reportData])
        // In the quote's body these parts stand one after the other, except that the module's digest comes with them.
        bytes.replaceSubrange(264..<384, with: domain.bytes[0..<120])
        bytes.replaceSubrange(512..<912, with: domain.bytes[120..<520])
        return bytes
    }
}

extension EvidenceVerifier {
    /// The code of the error that `content` is refused with.
    func refusalCode(
        _ content: JSONValue, _ binding: EvidenceBinding, _ context: VerificationContext
    ) async -> String? {
        do throws(VerificationError) {
            _ = try await verify(Evidence(tee: tee, content: content), binding: binding, context: context)
            return nil
        } catch {
            return error.code
        }
    }
}
