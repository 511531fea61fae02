import BrokerTestSupport
import Encodings
import EvidenceSimulator
import Foundation
import RATS
import TestPrograms
import Testing
import Verification

@testable import Broker

@Suite("Handshakes with virtual TPMs")
struct VirtualTPMHandshakeTests {
    /// The guest gets the secret while it is as it was approved, and nothing after its TPM measured something else.
    private func prove(_ vm: SimulatedAzureVM, _ site: SimulatedSite, refusedTwin: SimulatedAzureVM, code: String)
        async throws
    {
        try await site.test.put("default/key/1", "the secret")
        let guest = try SimulatedGuest(vm)
        let attestation = try await site.test.attest(guest)
        let message = try await site.test.release("default/key/1", cookie: attestation.cookie.value)
        #expect(try guest.key.decrypt(message).copyBytes() == Array("the secret".utf8))

        var other = vm
        other.tpm.extend(11, with: [UInt8](repeating: 1, count: 32))
        let changed = try await site.test.attest(SimulatedGuest(other))
        let denial = try await brokerError {
            _ = try await site.test.release("default/key/1", cookie: changed.cookie.value)
        }
        #expect(denial?.kind == .denied)

        let refusal = try await brokerError { _ = try await site.test.attest(SimulatedGuest(refusedTwin)) }
        #expect(refusal?.kind == .unauthenticated && refusal?.code == code)
    }

    private func refuseReplay(_ vm: SimulatedAzureVM, _ site: SimulatedSite) async throws {
        let guest = try SimulatedGuest(vm)
        let start = SampleGuest.authBody(tee: guest.tee.rawValue)
        let (other, _) = try await site.test.broker.challenge(start)
        let (challenge, cookie) = try await site.test.broker.challenge(start)
        let replayed = try guest.attestation(nonce: challenge.nonce, boundTo: other.nonce)
        let error = try await brokerError {
            _ = try await site.test.broker.attest(body: replayed, cookie: cookie.value)
        }
        #expect(error?.code == "report_data_mismatch")
    }

    @Test("A8, A10: SEV-SNP on Azure from challenge to secret, and nothing for a debug twin or a replay")
    func snp() async throws {
        let site = try await SimulatedSite()
        let guest = try SimulatedSNPGuest(site.amd)
        let vm = try SimulatedAzureVM(on: .snp(guest))
        let levels = guest.key.draft.levels
        try await site.register([
            "measurement": [.string(Base64.encode(guest.report.measurement))],
            "snp_pcr11": [.string(Hex.encode(vm.tpm.registers[11]))],
            "tcb_bootloader": [.string("\(levels.bootloader)")], "tcb_microcode": [.string("\(levels.microcode)")],
            "tcb_snp": [.string("\(levels.snp)")], "tcb_tee": [.string("\(levels.tee)")],
            "smt_enabled": ["true"], "tsme_enabled": ["false"], "abi_major": ["0"], "abi_minor": ["0"],
            "single_socket": ["false"], "smt_allowed": ["true"],
        ])
        var debug = vm
        debug.processor = .snp(guest.twin { $0.policy.insert(.debugAllowed) })
        try await prove(vm, site, refusedTwin: debug, code: "debug_enabled")
        try await refuseReplay(vm, site)
    }

    @Test("A8, A10: TDX on Azure from challenge to secret, and nothing for a debug twin or a replay")
    func tdx() async throws {
        let site = try await SimulatedSite()
        let domain = try SimulatedTrustDomain(on: site.platform, eventLog: nil)
        let vm = try SimulatedAzureVM(on: .tdx(domain))
        try await site.affirm(domain)
        try await site.register(["tdx_pcr11": [.string(Hex.encode(vm.tpm.registers[11]))]])
        var debug = vm
        debug.processor = .tdx(domain.twin(adding: .debug))
        try await prove(vm, site, refusedTwin: debug, code: "debug_enabled")
        try await refuseReplay(vm, site)
    }

    @Test("a real TPM outside of a TEE attests, and gets only what a policy grants to its lesser trust")
    func tpm() async throws {
        let tpm = try await SoftwareTPM()
        let key = try tpm.quote(.ecc, nonce: "00").key
        let granted = """
            apiVersion: claviger.dev/v1alpha1
            kind: ClusterReleasePolicy
            metadata:
              name: tpm-lab
            spec:
              match: {resources: ["lab/**"]}
              require: {tees: [tpm], status: warning}
            """
        var options = TPMVerifier.Options()
        options.trustedKeys = [key]
        let site = try await SimulatedSite(
            policies: TestPolicies.stream(granted, TestPolicies.affirmingOnly), verifiers: [TPMVerifier(options)])
        try await site.register([
            "tpm_pcr11": [.string(String(repeating: "0", count: 64))], "trusted_aks": [.string(Base64.encode(key))],
        ])
        try await site.test.put("default/key/1", "the secret")
        try await site.test.put("lab/key/1", "the lab's secret")
        let guest = try SimulatedGuest(.tpm) { digest in
            let quote = try tpm.quote(.ecc, nonce: Hex.encode(digest.prefix(32)))
            let registers = stride(from: 0, to: quote.registers.count, by: 32).map {
                JSONValue.string(Hex.encode(quote.registers[$0..<min($0 + 32, quote.registers.count)]))
            }
            return Evidence(
                tee: .tpm,
                content: [
                    "ak_public": .string(Base64.encode(quote.key)),
                    "tpm_quote": [
                        "message": .string(Base64.encode(quote.message)),
                        "signature": .string(Base64.encode(quote.signature)), "pcrs": .array(registers),
                    ],
                ])
        }
        let attestation = try await site.test.attest(guest)
        let message = try await site.test.release("lab/key/1", cookie: attestation.cookie.value)
        #expect(try guest.key.decrypt(message).copyBytes() == Array("the lab's secret".utf8))
        let denial = try await brokerError {
            _ = try await site.test.release("default/key/1", cookie: attestation.cookie.value)
        }
        #expect(denial?.kind == .denied)
        #expect(try await site.lastDecision().tee == "tpm")
    }
}
