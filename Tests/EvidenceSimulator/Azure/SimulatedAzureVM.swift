import Crypto
import Encodings
import RATS
import Verification

/// A confidential VM on Azure: a virtual TPM, and a paravisor that has the processor vouch for the TPM's key.
package struct SimulatedAzureVM: Sendable {
    /// The processor that vouches.
    package enum Processor: Sendable {
        /// AMD SEV-SNP.
        case snp(SimulatedSNPGuest)
        /// Intel TDX.
        case tdx(SimulatedTrustDomain)
    }

    /// The processor's side.
    package var processor: Processor
    /// The virtual TPM.
    package var tpm: SimulatedVirtualTPM

    /// A VM that nothing is wrong with.
    package init(on processor: Processor) throws {
        self.processor = processor
        tpm = try SimulatedVirtualTPM()
    }

    /// The kind of evidence that this VM sends.
    package var tee: TEE {
        switch processor {
        case .snp: .azSNPvTPM
        case .tdx: .azTDXvTPM
        }
    }

    /// Fresh evidence of version 2 that is bound to a digest, in the quote and in the processor's report.
    package func evidence(bound digest: [UInt8]) throws -> Evidence {
        let runtimeData = runtimeData(bound: digest)
        let vouched = Array(SHA256.hash(data: runtimeData))
        let (name, report, hardware) =
            switch processor {
            case .snp(let guest): ("vcek", try guest.signedReport(bound: vouched), guest.key.certificate)
            case .tdx(let domain): ("td_quote", try tdReport(domain, vouched), try domain.quote(bound: vouched))
            }
        let quote = try tpm.quote(nonce: digest)
        return Evidence(
            tee: tee,
            content: [
                "version": 2,
                "tpm_quote": [
                    "signature": .string(Hex.encode(quote.signature)), "message": .string(Hex.encode(quote.message)),
                    "pcrs": .array(tpm.registers.map { .string(Hex.encode($0)) }),
                ],
                "hcl_report": .string(Base64.encodeURL(hclReport(report, runtimeData))),
                name: .string(Base64.encodeURL(hardware)),
            ])
    }

    private func runtimeData(bound digest: [UInt8]) -> [UInt8] {
        // Of an RSA key's encoding everything but the modulus has a fixed size: 33 bytes before, 5 after.
        let modulus = Array(tpm.key.publicKey.spki.dropFirst(33).dropLast(5))
        let content: JSONValue = [
            "keys": [
                [
                    "kid": "HCLAkPub", "key_ops": ["sign"], "kty": "RSA", "e": "AQAB",
                    "n": .string(Base64.encodeURL(modulus)),
                ]
            ],
            "vm-configuration": ["console-enabled": true, "secure-boot": true, "vmUniqueId": "A"],
            "user-data": .string(Hex.encode(digest + [UInt8](repeating: 0, count: 64 - digest.count)).uppercased()),
        ]
        return content.serialized()
    }

    private func hclReport(_ hardware: [UInt8], _ runtimeData: [UInt8]) -> [UInt8] {
        let kind: UInt32 = if case .snp = processor { 2 } else { 4 }
        let size = UInt32(runtimeData.count)
        let header: [UInt32] = [2, 1236 + size, 2, 0, 0, 0, 0]
        let dataHeader: [UInt32] = [20 + size, 1, kind, 1, size]
        let report =
            Array("HCLA".utf8) + header.flatMap { littleEndian($0) } + hardware
            + [UInt8](repeating: 0, count: 1184 - hardware.count) + dataHeader.flatMap { littleEndian($0) }
            + runtimeData
        return report + [UInt8](repeating: 0, count: max(0, 2600 - report.count))
    }

    /// The TDREPORT of the domain, of which the quote's body has the parts one after the other.
    private func tdReport(_ domain: SimulatedTrustDomain, _ reportData: [UInt8]) throws -> [UInt8] {
        let body = domain.report.replacing(.reportData, with: reportData)
        var bytes = [UInt8](repeating: 0, count: 1024)
        bytes[0] = 0x81
        bytes.replaceSubrange(128..<192, with: body[.reportData])
        bytes.replaceSubrange(264..<384, with: body.bytes[0..<120])
        bytes.replaceSubrange(512..<912, with: body.bytes[120..<520])
        return bytes
    }
}
