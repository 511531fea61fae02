import Crypto
import Encodings
public import JOSE
public import RATS
import X509Trust

/// Believes evidence about OpenPOWER hosts that run secure guests (PEF), as far as a TPM goes.
///
/// Guests make no evidence. The Ultravisor opens a guest's ESM blob with the machine's key, which the TPM lets nobody use but an
/// Ultravisor that was measured as it should be, and lets the guest run only when it is what the blob says. So the host's TPM
/// is asked before anything is released that its machine key can open. There is no evidence from hardware in public, so what is
/// believed here was proved on simulated machines.
public struct PEFVerifier: EvidenceVerifier {
    /// What a site accepts. Without owners and keys of TPMs nothing is believed.
    public struct Options: Sendable, Hashable {
        /// Who vouches for the TPMs of hosts. A key that nobody vouches for is refused, whatever is set here.
        public var tpm = TPMVerifier.Options()
        /// The keys of those who make blobs.
        public var owners: [VerificationKey] = []
        /// The policies under which TPMs may use machine keys, each a digest; `nil` for all, which the claim
        /// `machine_key_policy` then tells apart.
        public var machinePolicies: Set<[UInt8]>?

        /// The greatest number of owners.
        public static let maximumOwners = 16

        /// The defaults.
        public init() {}
    }

    /// The kind `pef`.
    public let tee: TEE = .pef
    private let options: Options
    private let hosts: TPMVerifier

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options = Options()) {
        var tpm = options.tpm
        tpm.unknownKeys = .refused
        self.options = options
        hosts = TPMVerifier(tpm)
    }

    /// Verifies the host's TPM as kind `tpm`, that it holds the machine's key and uses it only under a policy, and the owner's
    /// statement about a blob that is locked to this key.
    ///
    /// Quote and certification must both be bound to the session. Throws a ``VerificationError`` whose code names the first
    /// check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let presented = try PEFEvidence(evidence.content)
        let host = try hosts.believe(presented.host, binding: binding, context: context)
        try requireMachineKey(presented)
        let fingerprint = Array(SHA256.hash(data: Array(presented.machineKey.key.pem.utf8)))
        var claims: JSONObject = [
            "machine_key_fingerprint": .string(Hex.encode(fingerprint)),
            "machine_key_policy": .string(Hex.encode(presented.machineKey.policy)),
            "host_tpm": .object(host.claims.without(["report_data", "init_data"])),
        ]
        for name in ["report_data", "init_data"] { claims[name] = host.claims[name] }
        var steps = host.steps
        steps.append(.passed("machine key", "the host's TPM holds it, and uses it under a policy only"))
        if let text = presented.statement {
            let (statement, owner) = try ESMStatement.verified(text, by: options.owners)
            guard statement.machines.contains(fingerprint) else {
                throw VerificationError(
                    code: "machine_not_authorised", message: "The blob has no lockbox for this machine's key.")
            }
            claims["esm_blob"] = .string(Hex.encode(statement.blob))
            claims["esm_owner"] = .string(Hex.encode(owner))
            claims["esm_digests"] = .object(statement.digests)
            steps.append(.passed("blob", "its owner signed what is in it, and that it is for this machine"))
        } else {
            steps.append(.skipped("blob", "the host asks for none"))
        }
        return [
            EvidenceClaims(
                tee: tee, claims: claims, matchedReportData: host.matchedReportData, trustCap: host.trustCap,
                steps: steps, chain: host.chain)
        ]
    }

    /// The quote's nonce. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try PEFEvidence(evidence.content).host.quote.attestation.extraData
    }

    private func requireMachineKey(_ presented: PEFEvidence) throws(VerificationError) {
        _ = try presented.signature.verify(over: presented.certification.bytes, by: presented.host.key)
        guard presented.certification.extraData == presented.host.quote.attestation.extraData else {
            throw .reportDataMismatch
        }
        let key = presented.machineKey
        guard let name = key.name, constantTimeEqual(name, presented.certification.name) else {
            throw VerificationError(
                code: "key_not_bound", message: "The host's TPM vouches for another key than the machine key presented."
            )
        }
        guard case .rsa(let bits, 65537) = key.key.kind, bits >= 2048, key.attributes.makeMachineKey,
            !key.policy.isEmpty
        else {
            throw VerificationError(
                code: "key_not_allowed",
                message: "The machine's key is not an RSA key of its TPM that decrypts only under a policy.")
        }
        guard options.machinePolicies?.contains(key.policy) ?? true else {
            throw VerificationError(
                code: "key_policy_not_allowed",
                message: "The TPM uses the machine's key under another policy than is let in.")
        }
    }
}

extension TPMPublicArea.Attributes {
    /// Whether a key decrypts for whoever fulfils its policy and for nobody else, and is its TPM's own.
    fileprivate var makeMachineKey: Bool {
        isSuperset(of: [.fixedTPM, .fixedParent, .sensitiveDataOrigin, .decrypt])
            && isDisjoint(with: [.sign, .userWithAuth])
    }
}

extension JSONObject {
    /// The object without some members.
    fileprivate func without(_ names: Set<String>) -> JSONObject {
        JSONObject(filter { !names.contains($0.name) }.map { ($0.name, $0.value) })
    }
}
