import Encodings
import Foundation
import Glibc
import GuestTestSupport
import RATS
import Testing

@testable import Guest

@Suite("Attesters")
struct AttesterTests {
    /// A machine with these paths.
    private func machine(_ paths: String..., tsm: String? = nil) -> SimulatedKernel {
        let kernel = SimulatedKernel()
        for path in paths { kernel.put(.file([]), at: path) }
        if let tsm { kernel.put(SimulatedTSM(tsm) { _ in ([1], []) }, at: SimulatedTSM.path) }
        return kernel
    }

    private func tee(_ kernel: SimulatedKernel, _ settings: AttesterSettings = AttesterSettings()) -> TEE? {
        try? AttesterDetection.attester(settings, kernel: kernel).tee
    }

    @Test("GC 9.A.6: sample evidence of 48 bytes is svn 1 and their base64")
    func sample() async throws {
        let data = [UInt8](repeating: 7, count: 48)
        let evidence = try await SampleAttester().evidence(reportData: data)
        #expect(evidence.serializedString() == #"{"svn":"1","report_data":"\#(Data(data).base64EncodedString())"}"#)
        #expect(try await SampleAttester().additionalEvidence(reportData: data).isEmpty)
    }

    @Test("without a TEE nothing is attested; each missing path is named, and the mount that a pod needs")
    func noTEE() {
        #expect { try AttesterDetection.attester(AttesterSettings(), kernel: SimulatedKernel()) } throws: {
            guard let error = $0 as? GuestError else { return false }
            let expected = [
                "/sys/kernel/config/tsm/report", "/dev/tdx_guest", "/dev/attestation/attestation_type", "/dev/sgx",
                "/sys/devices/platform/sev-guest", "/dev/sev-guest", "/dev/csv-guest",
                "/sys/firmware/uv/prot_virt_guest", "the host's /sys/kernel/config, writable", "--allow-sample",
            ]
            return error.code == .noTEE && expected.allSatisfy(error.message.contains)
        }
    }

    @Test("GC 9.A.15: each TEE is recognised by its own sign")
    func signs() {
        #expect(tee(machine(tsm: "tdx_guest")) == .tdx)
        #expect(tee(machine("/dev/tdx_guest")) == .tdx)
        #expect(tee(machine("/sys/devices/platform/sev-guest")) == .snp)
        #expect(tee(machine("/dev/sev-guest")) == .snp)
        #expect(tee(machine(tsm: "sev_guest")) == .snp)
        #expect(tee(machine("/dev/csv-guest")) == .csv)
        #expect(tee(machine(), AttesterSettings(environment: ["OCCLUM": "yes"])) == .sgx)
        let gramine = machine()
        gramine.put("dcap", at: "/dev/attestation/attestation_type")
        #expect(tee(gramine) == .sgx)
        gramine.put("none", at: "/dev/attestation/attestation_type")
        #expect(tee(gramine) == nil)
        #expect(tee(machine(tsm: "arm_cca_guest"), AttesterSettings(architecture: "aarch64")) == .cca)
        #expect(tee(machine(tsm: "arm_cca_guest"), AttesterSettings(architecture: "x86_64")) == nil)
        let secure = machine()
        secure.put("1\n", at: "/sys/firmware/uv/prot_virt_guest")
        #expect(tee(secure, AttesterSettings(architecture: "s390x")) == .se)
        #expect(tee(secure, AttesterSettings(architecture: "x86_64")) == nil)
        secure.put("0\n", at: "/sys/firmware/uv/prot_virt_guest")
        #expect(tee(secure, AttesterSettings(architecture: "s390x")) == nil)
        #expect(tee(machine(tsm: "foo_guest")) == nil)
    }

    @Test("the order of detection is that of the guest components")
    func order() {
        let all = machine("/dev/tdx_guest", "/dev/sev-guest", "/dev/csv-guest")
        all.put("dcap", at: "/dev/attestation/attestation_type")
        #expect(tee(all) == .tdx)
        let names = AttesterDetection.candidates(AttesterSettings()).map(\.tee)
        let reference: [TEE] = [.tdx, .sgx, .azTDXvTPM, .azSNPvTPM, .snp, .csv, .cca, .se, .tpm]
        #expect(names == reference.filter(names.contains))
        #expect(!names.contains(.sample))
    }

    @Test("a TPM that cannot be opened hides no processor that makes reports itself, and the operator is told")
    func closedTPM() throws {
        func found(_ signs: String..., required: [TEE] = []) throws -> (tee: TEE, warning: String?) {
            let machine = SimulatedKernel()
            for sign in signs { machine.put(.file([]), at: sign) }
            machine.put(.file([]), at: "/dev/tpm2")
            var warnings: [String] = []
            let attester = try AttesterDetection.attester(AttesterSettings(required: required), kernel: machine) {
                warnings.append($0)
            }
            #expect(warnings.count <= 1)
            return (attester.tee, warnings.first)
        }
        let hidden = try found("/dev/sev-guest")
        #expect(hidden.tee == .snp)
        #expect(hidden.warning?.contains("/dev/tpm2") == true && hidden.warning?.contains("snp") == true)
        // One that comes before the TPM in the order is not asked about it.
        #expect(try found("/dev/tdx_guest") == (.tdx, nil))
        #expect(try found("/dev/sev-guest", required: [.snp]) == (.snp, nil))
        // Where only the TPM is left, or where what is behind it was asked for, there is no evidence.
        #expect(throws: GuestError.self) { try found() }
        #expect(throws: GuestError.self) { try found("/dev/sev-guest", required: [.azSNPvTPM]) }
        #expect(throws: GuestError.self) { try found("/dev/sev-guest", required: [.tpm]) }
    }

    @Test("looking for a TEE leaves nothing behind in configfs")
    func nothingLeft() {
        let tsm = SimulatedTSM("foo_guest") { _ in ([1], []) }
        let kernel = SimulatedKernel()
        kernel.put(tsm, at: SimulatedTSM.path)
        #expect(tee(kernel) == nil)
        #expect(kernel.calls.contains { $0.hasPrefix("mkdir") })
        #expect(tsm.entries == 0)
    }

    @Test("--tee refuses every other TEE, and sample evidence too")
    func required() throws {
        let settings = AttesterSettings(required: try AttesterSettings.tees("snp,tdx"))
        #expect(tee(machine("/dev/sev-guest"), settings) == .snp)
        #expect { try AttesterDetection.attester(settings, kernel: machine("/dev/csv-guest")) } throws: {
            guard let error = $0 as? GuestError else { return false }
            return error.code == .noTEE && error.message.contains("--tee") && !error.message.contains("/dev/csv-guest")
        }
        let contradictory = AttesterSettings(allowSample: true, required: [.snp])
        #expect(tee(machine("/dev/sev-guest"), contradictory) == nil)
        #expect(tee(machine(), AttesterSettings(allowSample: true, required: [.sample])) == .sample)
        #expect(tee(machine(), AttesterSettings(required: [.sample])) == nil)
        #expect { try AttesterSettings.tees("snp,sve") } throws: { ($0 as? GuestError)?.code == .invalidRequest }
        #expect(try AttesterSettings.tees("az-snp-vtpm,azsnpvtpm") == [.azSNPvTPM, .azSNPvTPM])
    }

    @Test("the sample attester comes only when it is asked for")
    func allowed() throws {
        #expect(tee(SimulatedKernel(), AttesterSettings(allowSample: true)) == .sample)
        #expect(tee(machine("/dev/mem")) == nil)
    }

    @Test("a TEE without the way to its reports is named with what lacks, when evidence is asked for")
    func lackingMount() async throws {
        let attester = try AttesterDetection.attester(AttesterSettings(), kernel: machine("/dev/tdx_guest"))
        await #expect {
            try await attester.evidence(reportData: [1])
        } throws: {
            ($0 as? GuestError)?.code == .evidence && "\($0)".contains("mount -t configfs")
        }
    }
}
