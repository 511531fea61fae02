import Encodings
import Logging
import Policy
import Storage

extension Broker {
    /// Stores a signed bundle in place of the older one of its name, after its signatures and the whole that would result
    /// were found to be good. Where signatures are required, everything that came in no bundle goes with it.
    ///
    /// The very same bundle may come again: it mends what is not as it says, and changes nothing else. Where signatures are
    /// required, bundles of names that are not taken any more go with it, too. Throws `malformed` when the bundle cannot be read or its
    /// documents do not compile, `denied` when signatures are missing, unknown or wrong, and `conflict` (code
    /// `stale_serial`) when its serial is not above the highest that a bundle of its name ever had.
    func applyBundle(_ text: String, dryRun: Bool, by author: String) async throws(BrokerError) -> JSONValue {
        let bundle: SignedPolicyBundle
        do throws(PolicyBundleError) {
            bundle = try SignedPolicyBundle(parsing: Array(text.utf8))
            _ = try policySignatures.signers(of: bundle)
        } catch {
            logger.warning("policy bundle refused", metadata: ["code": "\(error.code)", "by": "\(author)"])
            throw BrokerError(error)
        }
        let change = try await changingPolicies { stored throws(BrokerError) in
            try await store(bundle, text, over: stored, dryRun: dryRun, by: author)
        }
        if !dryRun { _ = try await policies.current() }
        let content = bundle.content
        return [
            "dryRun": .bool(dryRun), "bundleDigest": .string(policies.latest.bundle.digest),
            "bundle": [
                "name": .string(content.name), "serial": .int(content.serial), "digest": .string(content.digest),
                "change": .string(change.bundle),
            ],
            "policies": .array(change.policies),
        ]
    }

    private typealias BundleChange = (bundle: String, policies: [JSONValue])

    private func store(
        _ bundle: SignedPolicyBundle, _ text: String, over stored: PolicySnapshot, dryRun: Bool, by author: String
    ) async throws(BrokerError) -> BundleChange {
        let content = bundle.content
        let mark = stored.mark(ofBundle: content.name)
        let isSame = mark.map { $0.serial == content.serial && $0.digest == content.digest } ?? false
        if let mark, !isSame, mark.serial >= content.serial { throw .staleSerial(content, mark) }
        let dropped = dropped(in: stored)
        let replaced = replaced(by: content, dropping: dropped, in: stored)
        let rest = try parse(stored.policies.filter { !replaced.contains($0.key) })
        let isExclusive = policySignatures.isRequired
        _ = try compile(rest + content.documents, isExclusive ? nil : stored)
        let known = Dictionary(stored.policies.map { ($0.key, $0.digest) }) { $1 }
        let kept = Set(content.documents.map(\.key))
        let changes =
            content.documents.map { $0.change(from: known[$0.key]) }
            + replaced.subtracting(kept).sorted().map { key in
                ["policy": .string(key.identifier), "change": "deleted"]
            }
        let isInForce = isSame && dropped.isEmpty && holds(content, replaced, in: stored)
        if !dryRun, !isInForce {
            let row = NewPolicyBundle(
                name: content.name, serial: content.serial, digest: content.digest, text: text)
            _ = try await storing { () async throws(StorageError) in
                try await policyDocuments.put(
                    row, content.documents.map(\.newPolicy), exclusive: isExclusive, dropping: dropped, by: author,
                    after: stored.generation)
            }
        }
        let change = isInForce ? "unchanged" : isSame ? "restored" : mark == nil ? "created" : "changed"
        return (change, changes)
    }

    /// Whether everything that applying this bundle would store is there, and nothing that it would remove: whether it would
    /// change nothing.
    private func holds(
        _ content: PolicyBundleContent, _ replaced: Set<PolicyKey>, in stored: PolicySnapshot
    ) -> Bool {
        guard stored.violations.isEmpty, !policySignatures.isRequired || stored.referenceValues.isEmpty,
            let row = stored.bundles.first(where: { $0.name == content.name }),
            // Its signatures may be fewer than are needed by now, or of keys that are not trusted any more.
            (try? VerifiedBundle(row, policySignatures)) != nil
        else { return false }
        let origin = NewPolicyBundle.origin(content.name)
        let present = stored.policies.filter { replaced.contains($0.key) }
        return present.allSatisfy { $0.origin == origin }
            && Set(present.map(\.content)) == Set(content.documents.map(\.newPolicy))
    }

    /// The names of stored bundles that stand in the way, because signatures are required and their names are not taken.
    private func dropped(in stored: PolicySnapshot) -> Set<String> {
        guard policySignatures.isRequired else { return [] }
        return Set(stored.bundles.map(\.name).filter { !policySignatures.isTaken($0) })
    }

    /// The documents that a bundle takes the place of.
    private func replaced(
        by content: PolicyBundleContent, dropping dropped: Set<String>, in stored: PolicySnapshot
    ) -> Set<PolicyKey> {
        let origins = Set(dropped.map(NewPolicyBundle.origin)).union([NewPolicyBundle.origin(content.name)])
        let names = Set(content.documents.map(\.key))
        let isExclusive = policySignatures.isRequired
        return Set(
            stored.policies.filter { policy in
                origins.contains(policy.origin) || names.contains(policy.key)
                    || (isExclusive && !NewPolicyBundle.isOrigin(policy.origin))
            }.map(\.key))
    }

    /// Throws `denied` where policies and reference values are taken in signed bundles only.
    func requireUnsignedPoliciesAllowed() throws(BrokerError) {
        guard policySignatures.isRequired else { return }
        throw BrokerError(
            kind: .denied, variant: "PolicySignature", code: "signature_required",
            message:
                "This broker takes policies and reference values only in signed bundles (code: signature_required): use claviger policy sign"
        )
    }
}

extension BrokerError {
    fileprivate init(_ error: PolicyBundleError) {
        let isUnreadable = ["bundle_malformed", "bundle_invalid"].contains(error.code)
        self.init(
            kind: isUnreadable ? .malformed : .denied, variant: isUnreadable ? "ParsePolicyError" : "PolicySignature",
            code: error.code, message: "The policy bundle is refused (code: \(error.code)): \(error.message)")
    }

    fileprivate static func staleSerial(_ content: PolicyBundleContent, _ mark: BundleMark) -> BrokerError {
        BrokerError(
            kind: .conflict, variant: "PolicySerial", code: "stale_serial",
            message:
                "The policy bundle is refused (code: stale_serial): \(content.name) has the serial \(content.serial), and \(mark.serial) was applied already"
        )
    }
}
