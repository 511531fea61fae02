import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("Mutation: NVIDIA")
struct NVIDIAMutationTests {
    private func refusal(_ id: String, _ report: [UInt8]) async throws -> String? {
        await Task.yield()
        let evidence = try NVIDIAVectors.evidence(id, replacing: ["evidence": .string(Base64.encode(report))])
        return await NVIDIAVerifier(NVIDIAVectors.options()).refusal(
            evidence, try NVIDIAVectors.binding(id), at: try NVIDIAVectors.date(id))
    }

    @Test(
        "no change of a byte of a recorded report is accepted",
        arguments: ["hopper-trustee", "blackwell-sdk", "switch-sdk"])
    func reports(id: String) async throws {
        let report = try NVIDIAVectors.device(id).report
        #expect(try await refusal(id, report) == nil)
        var counter = MutationCounter("nvidia \(id)")
        for (index, byte) in report.enumerated() {
            var mutant = report
            mutant[index] = byte ^ 1 << UInt8(index % 8)
            counter.count(try await refusal(id, mutant))
        }
        var swapped = report
        swapped.replaceSubrange((report.count - 96)..., with: report.suffix(48) + report.dropLast(48).suffix(48))
        for mutant in [swapped, Array(report.dropLast()), report + [0], report + [1]] {
            counter.count(try await refusal(id, mutant))
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 2000)
    }

    @Test("no change of a byte of a certificate is accepted")
    func certificates() async throws {
        let id = "hopper-trustee"
        let device = try NVIDIAVectors.device(id)
        var counter = MutationCounter("nvidia certificates")
        for (place, certificate) in device.certificates.enumerated() {
            for index in stride(from: place % 2, to: certificate.der.count, by: 2) {
                var der = certificate.der
                der[index] ^= 1 << UInt8(index % 8)
                var pem = device.certificates.map(\.pem)
                pem[place] = "-----BEGIN CERTIFICATE-----\n\(Base64.encode(der))\n-----END CERTIFICATE-----\n"
                let text = JSONValue.string(Base64.encode(Array(pem.joined().utf8)))
                let evidence = try NVIDIAVectors.evidence(id, replacing: ["certificate": text])
                await Task.yield()
                counter.count(
                    await NVIDIAVerifier(NVIDIAVectors.options()).refusal(
                        evidence, try NVIDIAVectors.binding(id), at: try NVIDIAVectors.date(id)))
            }
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 1200)
    }

    @Test("no change of a byte of a manifest is accepted, unless it means the same")
    func manifests() async throws {
        let bytes = try Vectors.bytes("nvidia/rims-switch/NV_SWITCH_BIOS_5612_0002_890_9610550001.xml")
        let manifest = try NVIDIAManifest(parsing: bytes)
        var counter = MutationCounter("nvidia manifest")
        for index in stride(from: 0, to: bytes.count, by: 11) {
            await Task.yield()
            var mutant = bytes
            mutant[index] ^= 1 << UInt8(index % 7)
            guard let found = try? NVIDIAManifest(parsing: mutant) else {
                counter.count("refused")
                continue
            }
            // White space inside of a tag, or around base64, is not signed; what is read must be the same.
            #expect(found == manifest)
            counter.count(found == manifest ? "same" : nil)
        }
        counter.report()
        #expect(counter.accepted == 0 && counter.total > 2000)
    }
}
