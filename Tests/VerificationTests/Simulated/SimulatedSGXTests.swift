import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification

@Suite("Simulated enclaves: twins signed again with one thing changed")
struct SimulatedSGXTests {
    private let site: SimulatedIntelSite
    private let enclave: SimulatedEnclave

    init() throws {
        site = try SimulatedIntelSite { $0.authority = .processor }
        enclave = try SimulatedEnclave(on: site.platform)
    }

    @Test("a good enclave is believed")
    func good() async throws {
        let claims = try await Simulation.claims(
            of: enclave.evidence(bound: Simulation.digest), by: SGXVerifier(options: .init(collateral: site.options())),
            site.collateral.items())
        #expect(claims.claims["tcb_status"] == "UpToDate")
        #expect(
            claims.claims["report_data"] == .string(Hex.encode(Simulation.digest) + String(repeating: "0", count: 32)))
    }

    @Test("A8: a quote for another nonce is refused")
    func otherNonce() async throws {
        let code = try await Simulation.refusal(
            of: enclave.evidence(bound: [1, 2, 3]), by: SGXVerifier(options: .init(collateral: site.options())),
            site.collateral.items())
        #expect(code == "report_data_mismatch")
    }

    @Test("A10: a debug enclave is refused, unless it is let in by name")
    func debug() async throws {
        let twin = enclave.twin(adding: .debug)
        #expect(try await site.refusal(enclave) == nil)
        #expect(try await site.refusal(twin) == "debug_enabled")
        #expect(try await site.refusal(twin) { $0.allowsDebug = true } == nil)
    }

    @Test("an enclave that may derive the platform's provisioning key is refused, unless it is let in by name")
    func provisioningKey() async throws {
        let twin = enclave.twin(adding: .provisioningKey)
        #expect(try await site.refusal(twin) == "provisioning_key_enabled")
        #expect(try await site.refusal(twin) { $0.allowsProvisioningKey = true } == nil)
    }

    @Test("a quote of one kind does not pass for evidence of the other")
    func otherKind() async throws {
        let domain = try SimulatedTrustDomain(on: site.platform).evidence(bound: Simulation.digest)
        let code = try await Simulation.refusal(
            of: Evidence(tee: .sgx, content: domain.content),
            by: SGXVerifier(options: .init(collateral: site.options())), site.collateral.items())
        #expect(code == "malformed_evidence")
        let quote = try enclave.evidence(bound: Simulation.digest)
        let reverse = try await Simulation.refusal(
            of: Evidence(tee: .tdx, content: quote.content),
            by: TDXVerifier(options: .init(collateral: site.options())), site.collateral.items())
        #expect(reverse == "malformed_evidence")
    }
}
