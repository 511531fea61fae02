import Encodings
import EvidenceSimulator
import JOSE
import RATS
import Testing
import X509TestSupport

@testable import Verification

@Suite("PEF")
struct PEFVerifierTests {
    private let host: SimulatedPowerHost
    private let owner: SigningKey
    private let options: PEFVerifier.Options
    private let digests: JSONObject = [
        "rtas": .string(String(repeating: "11", count: 64)), "kernel": .string(String(repeating: "22", count: 64)),
        "initrd": .string(String(repeating: "33", count: 64)), "bootargs": .string(String(repeating: "44", count: 64)),
        "kernel_size": 4096,
    ]

    init() throws {
        host = try SimulatedPowerHost()
        owner = try SigningKey.generate(.es384)
        var options = PEFVerifier.Options()
        options.tpm.trustedKeys = [host.tpm.key.publicKey.spki]
        options.owners = [owner.verificationKey]
        self.options = options
    }

    private func claims(_ evidence: Evidence, _ options: PEFVerifier.Options? = nil) async throws -> EvidenceClaims? {
        try await PEFVerifier(options ?? self.options).verify(
            evidence, binding: EvidenceBinding(reportData: [Simulation.digest]),
            context: VerificationContext(clock: .fixed(Simulation.now))
        ).first
    }

    private func refusal(_ evidence: Evidence, _ options: PEFVerifier.Options? = nil) async throws -> String? {
        do {
            _ = try await claims(evidence, options)
            return nil
        } catch let error as VerificationError {
            return error.code
        }
    }

    private func refusal(of host: SimulatedPowerHost, _ statement: String? = nil) async throws -> String? {
        try await refusal(host.evidence(bound: Simulation.digest, statement: statement))
    }

    private func statement(machines: Set<[UInt8]>? = nil, _ signer: SigningKey? = nil) throws -> String {
        try ESMStatement(blob: [1, 2, 3], machines: machines ?? [host.fingerprint], digests: digests)
            .signed(with: signer ?? owner)
    }

    @Test("a host and the blob that it asks for are described, and the hardware is never affirmed")
    func good() async throws {
        let result = try #require(
            try await claims(host.evidence(bound: Simulation.digest, statement: try statement())))
        #expect(result.trustCap == .warning)
        #expect(result.claims["machine_key_fingerprint"] == .string(Hex.encode(host.fingerprint)))
        #expect(result.claims["machine_key_policy"] == .string(String(repeating: "8b", count: 32)))
        #expect(result.claims["esm_digests"] == .object(digests))
        #expect(result.claims["esm_owner"] == .string(Hex.encode(ESMStatement.fingerprint(of: owner.verificationKey))))
        #expect(result.claims["esm_blob"]?.stringValue?.hasPrefix("039058c6f2c0cb49") == true)
        #expect(result.claims["host_tpm"]?["pcr17"] == .string(String(repeating: "f", count: 64)))
        #expect(result.claims["host_tpm"]?["ak_trust"] == "allow_list")
        let bare = try #require(try await claims(host.evidence(bound: Simulation.digest)))
        #expect(bare.claims["esm_blob"] == nil && bare.claims["machine_key_fingerprint"] != nil)
    }

    @Test("a machine key that is not the TPM's, or that the TPM uses without a policy, is refused")
    func machineKey() async throws {
        let other = try TestKey.generate(.rsa(2048))
        #expect(try await refusal(of: host.twin { $0.certifiedKey = other }) == "key_not_bound")
        for attributes: UInt32 in [0x0002_0072, 0x0006_0032, 0x0004_0032, 0x0002_0030, 0x0002_0012, 0x0002_0022] {
            #expect(try await refusal(of: host.twin { $0.attributes = attributes }) == "key_not_allowed")
        }
        #expect(try await refusal(of: host.twin { $0.policy = [] }) == "key_not_allowed")
        var strict = options
        strict.machinePolicies = [[UInt8](repeating: 0x8B, count: 32)]
        let loose = host.twin { $0.policy[0] ^= 1 }
        #expect(try await refusal(host.evidence(bound: Simulation.digest), strict) == nil)
        #expect(try await refusal(loose.evidence(bound: Simulation.digest), strict) == "key_policy_not_allowed")
    }

    @Test("a host whose TPM nobody vouches for is refused before its machine key is looked at")
    func unknownTPM() async throws {
        #expect(try await refusal(of: SimulatedPowerHost()) == "key_not_trusted")
        var nobody = options
        nobody.tpm.trustedKeys = []
        nobody.tpm.unknownKeys = .contraindicated
        #expect(try await refusal(host.evidence(bound: Simulation.digest), nobody) == "key_not_trusted")
    }

    @Test("A2, A8: quote and word about the machine key are of this session, both of them")
    func freshness() async throws {
        let other = [UInt8](repeating: 0xD2, count: 48)
        let digest = Simulation.digest
        #expect(try await refusal(host.evidence(bound: other)) == "report_data_mismatch")
        #expect(try await refusal(host.evidence(bound: digest, certified: other)) == "report_data_mismatch")
        #expect(try await refusal(host.evidence(bound: other, certified: digest)) == "report_data_mismatch")
    }

    @Test("A60: a statement of somebody who is no owner, about other machines, or that says something else is refused")
    func statements() async throws {
        let stranger = try SigningKey.generate(.es384)
        #expect(try await refusal(of: host, try statement(stranger)) == "signature_invalid")
        #expect(
            try await refusal(of: host, try statement(machines: [[UInt8](repeating: 1, count: 32)]))
                == "machine_not_authorised")
        #expect(try await refusal(of: host, "a.b.c") == "malformed_evidence")
        let payload = Array(#"{"blob":"00","machines":[],"digests":{}}"#.utf8)
        let odd = try JWS.sign(header: ["typ": "claviger-esm"], payload: payload, with: owner)
        #expect(try await refusal(of: host, odd) == "malformed_evidence")
        // A token of another kind by the same key is no statement.
        let token = try JWS.sign(header: ["typ": "JWT"], payload: payload, with: owner)
        #expect(try await refusal(of: host, token) == "malformed_evidence")
    }

    @Test("a change in the word about the machine key is noticed")
    func samples() async throws {
        let evidence = try host.evidence(bound: Simulation.digest, statement: try statement())
        #expect(try await refusal(evidence) == nil)
        for path in [["machine_key"], ["machine_key_certification", "message"], ["host_tpm", "tpm_quote", "message"]] {
            let text = path.reduce(evidence.content as JSONValue?) { $0?[$1] }?.stringValue
            for mutant in Mutants.of(try Base64.decode(#require(text)), every: 101) {
                let content = evidence.content.replacing(path[...], with: .string(Base64.encode(mutant)))
                #expect(try await refusal(Evidence(tee: .pef, content: content)) != nil, "\(path)")
            }
        }
    }

    /// The verifier, the evidence and a way to ask, for the whole of the mutants.
    func mutants() async throws -> (evidence: Evidence, refusal: (Evidence) async throws -> String?) {
        (try host.evidence(bound: Simulation.digest, statement: try statement()), { try await self.refusal($0) })
    }
}
