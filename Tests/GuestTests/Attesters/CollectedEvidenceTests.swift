import Encodings
import EvidenceSimulator
import Foundation
import GuestTestSupport
import RATS
import Testing
import Verification

@testable import Guest

@Suite("Evidence from simulated kernels, judged by our own verifiers")
struct CollectedEvidenceTests {
    private static let now = Date(timeIntervalSince1970: 1_770_000_000)
    private static let amd = Result { try SimulatedAMD(.genoa, at: now) }
    private static let turin = Result { try SimulatedAMD(.turin, at: now) }
    private let digest = [UInt8](repeating: 0xD1, count: 48)

    private func claims(
        _ content: JSONValue, _ tee: TEE, by verifier: any EvidenceVerifier,
        _ items: [CollateralName: CollateralItem], bound: [UInt8]? = nil
    ) async throws -> JSONObject {
        // As on the wire.
        let received = try JSONValue(parsing: content.serialized())
        let all = try await verifier.verify(
            Evidence(tee: tee, content: received), binding: EvidenceBinding(reportData: [bound ?? digest]),
            context: VerificationContext(clock: .fixed(Self.now), collateral: FixedCollateral(items)))
        return try #require(all.first?.claims)
    }

    /// A report as the firmware makes it; what cannot be signed is no report.
    private static func report(_ guest: SimulatedSNPGuest, over data: [UInt8]) -> [UInt8] {
        (try? guest.signedReport(bound: data)) ?? []
    }

    @Test("SEV-SNP: reports of every version, through configfs and through the device, are believed", arguments: 2...5)
    func snp(version: Int) async throws {
        for amd in [try Self.amd.get(), try Self.turin.get()] where version >= 3 || amd.product == .genoa {
            let guest = try SimulatedSNPGuest(amd).twin {
                $0.version = UInt32(version)
                if version < 3 { $0.processor = nil }
            }
            let table = SimulatedCertificateTable([(.vcek, guest.key.certificate)]).bytes
            let configfs = SimulatedKernel()
            configfs.put(
                SimulatedTSM("sev_guest") { (Self.report(guest, over: $0.data), table) }, at: SimulatedTSM.path)
            let driver = SimulatedSEVGuest(.init(table: table)) { Self.report(guest, over: $0) }
            let device = SimulatedKernel()
            device.put(
                .device(SimulatedDevice { request throws(GuestError) in driver.answer(request) }), at: "/dev/sev-guest")
            var options = SNPVerifier.Options(anchors: amd.anchors)
            options.versions = [UInt32(version)]
            options.version2Products = [amd.product]
            for kernel in [configfs, device] {
                let attester = try AttesterDetection.attester(AttesterSettings(required: [.snp]), kernel: kernel)
                let evidence = try await attester.evidence(reportData: digest)
                #expect(evidence[pointer: "/attestation_report/version"] == .int(Int64(version)))
                let claims = try await claims(evidence, .snp, by: SNPVerifier(options), amd.collateral())
                #expect(claims["measurement"] == .string(Hex.encode(guest.report.measurement)))
            }
        }
    }

    @Test("SEV-SNP: mitigation vectors are carried, and evidence is good for its own session only")
    func snpMitigations() async throws {
        let amd = try Self.amd.get()
        let guest = try SimulatedSNPGuest(amd).twin {
            $0.launchMitigations = 0x3F
            $0.currentMitigations = UInt64.max
        }
        let kernel = SimulatedKernel()
        kernel.put(SimulatedTSM("sev_guest") { (Self.report(guest, over: $0.data), []) }, at: SimulatedTSM.path)
        let evidence = try await SNPAttester(kernel: kernel).evidence(reportData: digest)
        #expect(evidence[pointer: "/attestation_report/current_mit_vector"] == .uint(.max))
        let verifier = SNPVerifier(SNPVerifier.Options(anchors: amd.anchors))
        let collateral = try amd.collateral(keys: [guest.key])
        _ = try await claims(evidence, .snp, by: verifier, collateral)
        await #expect {
            _ = try await claims(evidence, .snp, by: verifier, collateral, bound: [UInt8](repeating: 1, count: 48))
        } throws: {
            ($0 as? VerificationError)?.code == "report_data_mismatch"
        }
    }

    @Test(
        "TDX: quote and event log are believed, also with events that the agent added",
        arguments: SimulatedTrustDomain.Form.allCases)
    func tdx(form: SimulatedTrustDomain.Form) async throws {
        let intel = try SimulatedIntel(at: Self.now)
        let platform = try intel.platform()
        let collateral = try SimulatedIntelCollateral(intel, for: platform.draft).items()
        let verifier = TDXVerifier(options: .init(collateral: IntelCollateralOptions(anchors: intel.anchors)))
        let boot = SimulatedEventLog()
        let agent = SimulatedEventLog.Event.agent("example.com Release kbs:///a/b/c")
        let whole = SimulatedEventLog(boot.events + [agent])
        let domain = try SimulatedTrustDomain(on: platform, form: form, eventLog: whole)
        let kernel = SimulatedKernel()
        kernel.put(SimulatedTSM("tdx_guest") { ((try? domain.quote(bound: $0.data)) ?? [], []) }, at: SimulatedTSM.path)
        kernel.put(.file(boot.encoded), at: "/sys/firmware/acpi/tables/data/CCEL")
        let records = Array(SimulatedEventLog([agent]).encoded.dropFirst(65).dropLast(64))

        let attester = try AttesterDetection.attester(
            AttesterSettings { () throws(GuestError) in records }, kernel: kernel)
        #expect(attester.tee == .tdx)
        let evidence = try await attester.evidence(reportData: digest)
        let claims = try await claims(evidence, .tdx, by: verifier, collateral)
        #expect(claims["uefi_event_logs"]?.arrayValue?.count == whole.events.count)

        // Without the agent's events the log does not lead to the registers.
        let forgetful = try AttesterDetection.attester(AttesterSettings(), kernel: kernel)
        let less = try await forgetful.evidence(reportData: digest)
        await #expect {
            _ = try await self.claims(less, .tdx, by: verifier, collateral)
        } throws: {
            ($0 as? VerificationError)?.code == "event_log_mismatch"
        }
    }

    @Test("SGX: quotes of Gramine and Occlum are believed")
    func sgx() async throws {
        let intel = try SimulatedIntel(at: Self.now)
        let platform = try intel.platform()
        let collateral = try SimulatedIntelCollateral(intel, for: platform.draft).items()
        let verifier = SGXVerifier(options: .init(collateral: IntelCollateralOptions(anchors: intel.anchors)))
        let enclave = try SimulatedEnclave(on: platform)
        let quote: @Sendable ([UInt8]) -> [UInt8] = { (try? enclave.quote(bound: $0)) ?? [] }

        let gramine = SimulatedKernel()
        let written = Shared<[UInt8]>([])
        gramine.put("dcap\n", at: "/dev/attestation/attestation_type")
        gramine.put(
            .attribute(
                read: { () throws(GuestError) in [] }, write: { bytes throws(GuestError) in written.value = bytes }),
            at: "/dev/attestation/user_report_data")
        gramine.put(
            .attribute(read: { () throws(GuestError) in quote(written.value) }, write: { _ throws(GuestError) in }),
            at: "/dev/attestation/quote")
        let occlum = SimulatedKernel()
        let device = SimulatedDevice { request throws(GuestError) in
            let size = UInt32(quote(.zeros(64)).count + 100)
            if request.number == 0x8004_7307 {
                return DeviceAnswer(argument: withUnsafeBytes(of: size.littleEndian) { Array($0) })
            }
            let made = quote(request.buffers[0])
            var buffers = request.buffers
            buffers[1] = withUnsafeBytes(of: UInt32(made.count).littleEndian) { Array($0) }
            buffers[2].replaceSubrange(..<made.count, with: made)
            return DeviceAnswer(argument: request.argument, buffers: buffers)
        }
        occlum.put(.device(device), at: "/dev/sgx")
        for (kernel, environment) in [(gramine, [:]), (occlum, ["OCCLUM": "yes"])] {
            let attester = try AttesterDetection.attester(AttesterSettings(environment: environment), kernel: kernel)
            let evidence = try await attester.evidence(reportData: digest)
            let claims = try await claims(evidence, .sgx, by: verifier, collateral)
            #expect(claims["report_data"]?.stringValue?.hasPrefix(Hex.encode(digest)) == true)
        }
    }
}
