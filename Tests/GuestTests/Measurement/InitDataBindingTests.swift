import Encodings
import GuestTestSupport
import KBSProtocol
import RATS
import Testing

@testable import Guest

/// An attester of any kind, with a fixed report.
private struct FixedAttester: Attester {
    let tee: TEE
    var content: JSONValue = [:]

    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue { content }
}

@Suite("Init-data and the hardware")
struct InitDataBindingTests {
    private static let text =
        "The initdata supplied by the parameter is inconsistent with that of the current platform."

    private func bind(
        _ digest: [UInt8], _ attester: FixedAttester, _ kernel: any Kernel = SimulatedKernel()
    ) async throws -> InitDataBinding.Outcome {
        try await InitDataBinding(attester, kernel: kernel, device: nil).bind(digest)
    }

    @Test("GC 9.A.19: the digest is the document's algorithm over its bytes; one more line break makes another")
    func digests() throws {
        let document = try Vectors.text("initdata/init-data-with-policy.toml")
        let expected = try Vectors.text("initdata/init-data-with-policy.digest").split(whereSeparator: \.isWhitespace)
        #expect(try Hex.encode(InitData(toml: document).digest) == expected.last.map(String.init))
        #expect(try InitData(toml: document + "\n").digest != InitData(toml: document).digest)
        let longer = try Vectors.text("initdata/peerpods-provision-test.toml")
        let recorded = try Vectors.text("initdata/peerpods-provision-test.sha384").filter { !$0.isWhitespace }
        #expect(try Hex.encode(InitData(toml: longer).digest) == recorded)
    }

    @Test("GC 9.A.20: TDX has the digest in MRCONFIGID, filled up or cut to 48 bytes", arguments: [32, 48, 64])
    func trustDomain(size: Int) async throws {
        let digest = [UInt8](1...UInt8(size))
        let field = digest.prefix(48) + [UInt8](repeating: 0, count: max(0, 48 - size))
        let files = SimulatedKernel.trustDomain(configurationID: Array(field))
        #expect(try await bind(digest, FixedAttester(tee: .tdx), files) == .measured)
        // Before Linux 6.16 there are no files, and the processor is asked for a report.
        var report = [UInt8](repeating: 0, count: 1024)
        report.replaceSubrange(576..<624, with: field)
        let device = SimulatedKernel.trustDomain(report: report)
        #expect(try await bind(digest, FixedAttester(tee: .tdx), device) == .measured)
        for kernel in [files, device] {
            await #expect {
                _ = try await bind([UInt8](repeating: 9, count: size), FixedAttester(tee: .tdx), kernel)
            } throws: {
                ($0 as? GuestError)?.code == .initData && ($0 as? GuestError)?.message == Self.text
            }
        }
        await #expect(throws: GuestError.self) { try await bind(digest, FixedAttester(tee: .tdx)) }
    }

    @Test("the kernel is asked on a thread for hardware, and not on one of Swift's few")
    func thread() async throws {
        let kernel = SimulatedKernel.trustDomain()
        kernel.put(
            .attribute(
                read: { () throws(GuestError) in
                    let isHardware = try RealKernel().text("/proc/thread-self/comm") == "hardware"
                    return [UInt8](repeating: isHardware ? 7 : 0, count: 48)
                }, write: { _ throws(GuestError) in }),
            at: "/sys/devices/virtual/misc/tdx_guest/measurements/mrconfigid")
        let digest = [UInt8](repeating: 7, count: 48)
        #expect(try await bind(digest, FixedAttester(tee: .tdx), kernel) == .measured)
    }

    @Test("GC 9.A.20: SEV-SNP has the digest in HOST_DATA, cut to 32 bytes", arguments: [32, 48])
    func hostData(size: Int) async throws {
        let digest = [UInt8](1...UInt8(size))
        func attester(_ field: [UInt8]) -> FixedAttester {
            let numbers = JSONValue.array(field.map { .int(Int64($0)) })
            return FixedAttester(tee: .snp, content: ["attestation_report": ["host_data": numbers]])
        }
        #expect(try await bind(digest, attester(Array(digest.prefix(32)))) == .measured)
        await #expect {
            _ = try await bind(digest, attester([UInt8](repeating: 0, count: 32)))
        } throws: {
            ($0 as? GuestError)?.message == Self.text
        }
        await #expect(throws: GuestError.self) { try await bind(digest, attester([1])) }
        await #expect(throws: GuestError.self) { try await bind(digest, FixedAttester(tee: .snp)) }
    }

    @Test("GC 9.A.19: what has no place for init-data says so", arguments: [TEE.sample, .sgx, .csv, .se])
    func unsupported(tee: TEE) async throws {
        #expect(try await bind([1], FixedAttester(tee: tee)) == .unsupported)
    }

    @Test("a TPM that is gone, or a digest that it does not take, is a failure and not silence")
    func withoutTPM() async throws {
        for tee in [TEE.tpm, .azSNPvTPM, .azTDXvTPM] {
            await #expect(throws: GuestError.self) {
                try await bind([UInt8](repeating: 1, count: 32), FixedAttester(tee: tee))
            }
            await #expect(throws: GuestError.self) {
                try await bind([UInt8](repeating: 1, count: 48), FixedAttester(tee: tee))
            }
        }
    }
}
