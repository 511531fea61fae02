import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("Mutation: TPM")
struct TPMMutationTests {
    private let date = Date(timeIntervalSince1970: 1_780_000_000)

    @Test("no change of a single bit in statement, signature, registers, key or nonce is accepted, of RSA or ECDSA")
    func evidence() async throws {
        let nonce = [UInt8](1...32)
        let binding = EvidenceBinding(reportData: [nonce])
        var counter = MutationCounter("tpm")
        for tpm in [try SoftTPM(.rsa(2048)), try SoftTPM(.ec(.p256))] {
            var options = TPMVerifier.Options()
            options.trustedKeys = [tpm.key.publicKey.spki]
            options.unknownKeys = .refused
            let verifier = TPMVerifier(options)
            let content = try tpm.evidence(nonce: nonce)
            #expect(await verifier.refusal(content, binding) == nil)
            for path in [["tpm_quote", "message"], ["tpm_quote", "signature"], ["ak_public"]] {
                let parent = path.count == 2 ? content[path[0]] : content
                let bytes = try Base64.decode(try #require(parent?[path[path.count - 1]]?.stringValue))
                for mutant in Mutants.of(bytes) {
                    await Task.yield()
                    let value = JSONValue.string(Base64.encode(mutant))
                    let changed =
                        path.count == 2
                        ? content.replacing(path[0], path[1], with: value) : content.replacing(path[0], with: value)
                    counter.count(await verifier.refusal(changed, binding))
                }
            }
            for (index, register) in tpm.registers.enumerated() {
                for mutant in Mutants.of(register, every: 7) {
                    await Task.yield()
                    var registers = tpm.registers
                    registers[index] = mutant
                    let values = JSONValue.array(registers.map { .string(Hex.encode($0)) })
                    counter.count(
                        await verifier.refusal(content.replacing("tpm_quote", "pcrs", with: values), binding))
                }
            }
            for mutant in Mutants.bits(nonce) {
                await Task.yield()
                counter.count(await verifier.refusal(content, EvidenceBinding(reportData: [mutant])))
            }
        }
        counter.report()
        #expect(counter.accepted == 0)
        #expect(counter.total > 9000)
    }

    @Test("no change of a single bit in a recorded quote is accepted")
    func recordedQuote() async throws {
        let content = try Vectors.json("tpm/trustee/evidence.json")
        let nonce = try TPMVerifier().statedReportData(in: Evidence(tee: .tpm, content: content))
        let binding = EvidenceBinding(reportData: [Array(nonce.prefix(48))])
        #expect(await TPMVerifier().refusal(content, binding) == nil)
        var counter = MutationCounter("tpm recorded")
        for name in ["message", "signature"] {
            let bytes = try Base64.decode(try #require(content["tpm_quote"]?[name]?.stringValue))
            for mutant in Mutants.of(bytes) {
                await Task.yield()
                let value = JSONValue.string(Base64.encode(mutant))
                counter.count(
                    await TPMVerifier().refusal(content.replacing("tpm_quote", name, with: value), binding))
            }
        }
        counter.report()
        #expect(counter.accepted == 0)
        #expect(counter.total > 3000)
    }

    @Test("no change of a single bit in the certificate of a recorded key, or in its authority's, is accepted")
    func certificates() async throws {
        let folder = "tpm/gce-cos-85-no-nonce"
        let key = try TPMPublicArea(parsing: Vectors.bytes("\(folder)/ak_tpmt_public.bin")).key
        let certificate = try Vectors.bytes("\(folder)/ak_cert.der")
        let then = Date(timeIntervalSince1970: 1_640_995_200)
        let certification = TPMKeyCertification(anchors: .clouds)
        var counter = MutationCounter("tpm certificates")
        for mutant in Mutants.bits(certificate, every: 3) {
            await Task.yield()
            counter.count(
                refusalCode { () throws(VerificationError) in
                    _ = try certification.verify([mutant], of: key, at: then)
                })
        }
        let rootsOnly = TPMKeyCertification(anchors: TPMTrustAnchors(roots: TPMTrustAnchors.clouds.roots))
        let authority = PackageAuthority.google2020
        #expect(
            refusalCode { () throws(VerificationError) in
                _ = try rootsOnly.verify([certificate, authority], of: key, at: then)
            } == nil)
        for mutant in Mutants.bits(authority, every: 3) {
            await Task.yield()
            counter.count(
                refusalCode { () throws(VerificationError) in
                    _ = try rootsOnly.verify([certificate, mutant], of: key, at: then)
                })
        }
        counter.report()
        #expect(counter.accepted == 0)
        #expect(counter.total > 5000)
    }

    private enum PackageAuthority {
        static var google2020: [UInt8] {
            TPMTrustAnchors.clouds.intermediates.first { $0.subject.contains("host-signer-0-2020") }?.der ?? []
        }
    }
}
