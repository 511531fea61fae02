import Broker
import BrokerTestSupport
import Encodings
import EvidenceSimulator
import JOSE
import KBSProtocol
import RATS

/// A guest with a TEE key of its own and evidence of the simulator.
struct SimulatedGuest: Sendable {
    /// The TEE key.
    let key: JWEPrivateKey
    /// The kind of hardware.
    let tee: TEE
    /// Makes evidence that is bound to a digest, for a challenge.
    let evidence: @Sendable (_ digest: [UInt8], _ challenge: String) throws -> Evidence

    init(
        _ tee: TEE, answering evidence: @escaping @Sendable (_ digest: [UInt8], _ challenge: String) throws -> Evidence
    ) throws {
        key = try JWEPrivateKey.generate(.ecP256)
        self.tee = tee
        self.evidence = evidence
    }

    init(_ tee: TEE, evidence: @escaping @Sendable (_ digest: [UInt8]) throws -> Evidence) throws {
        try self.init(tee) { digest, _ in try evidence(digest) }
    }

    init(_ realm: SimulatedRealm) throws { try self.init(.cca) { try realm.evidence(bound: $0) } }

    init(_ enclave: SimulatedNitroEnclave) throws { try self.init(.nitro) { try enclave.evidence(bound: $0) } }

    init(_ ultravisor: SimulatedUltravisor) throws {
        try self.init(.se) { digest, challenge in try ultravisor.evidence(request: challenge, bound: digest) }
    }

    init(_ hygon: SimulatedHygon) throws { try self.init(.csv) { try hygon.evidence(bound: $0) } }

    init(_ guest: SimulatedSNPGuest, form: SimulatedSNPGuest.Form = .fields(.agent15)) throws {
        try self.init(.snp) { try guest.evidence(bound: $0, form: form) }
    }

    init(_ domain: SimulatedTrustDomain) throws { try self.init(.tdx) { try domain.evidence(bound: $0) } }

    init(_ vm: SimulatedAzureVM) throws { try self.init(vm.tee) { try vm.evidence(bound: $0) } }

    init(_ enclave: SimulatedEnclave) throws { try self.init(.sgx) { try enclave.evidence(bound: $0) } }

    /// The body of `/attest` in a version of the protocol.
    ///
    /// - Parameters:
    ///   - nonce: the nonce that is stated.
    ///   - bound: the nonce that the evidence is bound to; the stated one unless given.
    ///   - other: the key that is stated; the guest's own unless given.
    func attestation(
        nonce: String, version: String = "0.4.0", boundTo bound: String? = nil, key other: JWEPrivateKey? = nil
    ) throws -> [UInt8] {
        let isNested = version != "0.2.0"
        let digest = try ReportData.digest(
            nonce: bound ?? nonce, teeKey: key.publicJWK, additionalEvidence: isNested ? "" : nil,
            hash: tee == .se ? .sha512 : .sha384)
        let content = try evidence(digest, bound ?? nonce).content
        let stated = (other ?? key).publicJWK
        guard isNested else {
            return JSONValue.object(["tee-pubkey": .object(stated), "tee-evidence": content]).serialized()
        }
        return AttestationBody(nonce: nonce, teeKey: stated, primaryEvidence: content).serialized()
    }
}

extension TestBroker {
    /// Runs the whole handshake for a guest.
    func attest(_ guest: SimulatedGuest, version: String = "0.4.0") async throws -> Attestation {
        let (challenge, cookie) = try await broker.challenge(
            SampleGuest.authBody(version: version, tee: guest.tee.rawValue))
        return try await broker.attest(
            body: guest.attestation(nonce: challenge.nonce, version: version), cookie: cookie.value)
    }
}
