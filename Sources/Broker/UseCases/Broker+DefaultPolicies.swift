import Policy
import Storage

extension Broker {
    /// Stores the shipped appraisal policies when nothing was ever stored: without any, no attestation succeeds. They grade
    /// and release nothing. What an administrator changed or removed later stays as it is.
    ///
    /// Of brokers that start at the same time on one database, one stores them.
    func installDefaultPolicies() async throws(BrokerError) {
        guard configuration.policies.installDefaults, !policySignatures.isRequired else { return }
        let found = try await storedPolicies()
        guard found.generation == 0, found.isSealed else { return }
        let documents = try parse(DefaultPolicies.text, source: "default policies")
        let installed = try await changingPolicies { stored throws(BrokerError) in
            guard stored.generation == 0 else { return false }
            _ = try await storing { () async throws(StorageError) in
                try await policyDocuments.put(
                    documents.map(\.newPolicy), origin: PolicyRepository.installed, by: "claviger-broker",
                    after: stored.generation)
            }
            return true
        }
        guard installed else { return }
        logger.notice(
            "default appraisal policies installed",
            metadata: ["policies": "\(documents.map(\.identifier).joined(separator: ", "))"])
    }
}
