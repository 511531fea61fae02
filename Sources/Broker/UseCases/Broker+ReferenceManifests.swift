public import Encodings
import FoundationEssentials
import Logging
import Policy
import Storage
import Verification

extension Broker {
    /// Takes the reference values of a signed manifest over, all of them or none, when its signer is known and every name in it
    /// was granted to him.
    ///
    /// The answer says whose manifest it is, which version, until when its values count and what they are; `change` is
    /// `created`, `changed` or `unchanged`. A dry run stores nothing.
    ///
    /// Throws `malformed` for what is no manifest of any signer's format, `denied` when signature or grant are missing or the
    /// manifest is over, and `conflict` (code `manifest_downgrade`) for one that is not newer than what is there.
    public func importReferenceManifest(
        _ bytes: [UInt8], dryRun: Bool, by author: String
    ) async throws(BrokerError) -> JSONValue {
        do throws(BrokerError) {
            try requireUnsignedPoliciesAllowed()
            let now = environment.clock.now()
            let (signer, grant) = try granted(bytes, at: now)
            let former = try await formerDocuments(of: signer)
            let change = try await changingPolicies { stored throws(BrokerError) in
                try await store(grant, signer, former, over: stored, dryRun: dryRun, by: author)
            }
            if !dryRun {
                _ = try await policies.current()
                metrics.manifestImported(signer.name, outcome: change)
                logger.notice(
                    "reference values of a signed manifest taken",
                    metadata: [
                        "signer": "\(signer.name)", "manifest": "\(grant.manifest.id)",
                        "version": "\(grant.manifest.version)", "change": "\(change)", "by": "\(author)",
                    ])
            }
            return grant.json(signer, change: change, dryRun: dryRun)
        } catch {
            logger.warning("a manifest is refused", metadata: ["code": "\(error.code)", "by": "\(author)"])
            throw error
        }
    }

    /// The manifests whose values were taken: `{"manifests": […]}`, ordered by signer and name.
    public func referenceManifestList() async throws(BrokerError) -> JSONValue {
        let stored = try await storedPolicies()
        var list: [JSONValue] = []
        for signer in configuration.referenceValues.signers.sorted(by: { $0.name < $1.name }) {
            guard let row = stored.policies.first(where: { $0.key == SignedReferenceDocument.key(signer) }),
                row.origin == SignedReferenceDocument.origin(signer), let document = try? row.document()
            else { continue }
            for (id, mark) in SignedReferenceDocument.manifests(of: document) {
                var json: JSONObject = [
                    "signer": .string(signer.name), "namespace": .optional(signer.namespace), "manifest": .string(id),
                ]
                for (name, value) in mark.json { json[name] = value }
                json["document"] = .string(row.key.identifier)
                list.append(.object(json))
            }
        }
        return ["manifests": .array(list)]
    }

    /// The signer whose manifest it is, and what it says by his grant. Of several refusals the one that came furthest is told.
    private func granted(
        _ bytes: [UInt8], at now: Date
    ) throws(BrokerError) -> (ReferenceSigner, ReferenceGrant) {
        var refusal = BrokerError.manifestRefused("untrusted_signer", "this broker knows no signer of manifests")
        var furthest = -1
        for signer in configuration.referenceValues.signers {
            do throws(BrokerError) {
                return (signer, try ReferenceGrant(verified(bytes, signer, at: now), of: signer, at: now))
            } catch {
                let order = ["malformed_manifest", "unsigned_manifest", "untrusted_signer"]
                let reached = order.firstIndex(of: error.code) ?? order.count
                guard reached > furthest else { continue }
                furthest = reached
                refusal = error
            }
        }
        throw refusal
    }

    private func verified(
        _ bytes: [UInt8], _ signer: ReferenceSigner, at now: Date
    ) throws(BrokerError) -> SignedManifest {
        do throws(ManifestError) {
            return try SignedManifest(parsing: bytes, format: signer.format, signer: signer.identity, at: now)
        } catch {
            throw .manifestRefused(error.code, error.message)
        }
    }

    /// What the signer's document ever said; what somebody else wrote under its name says nothing of his manifests.
    private func formerDocuments(of signer: ReferenceSigner) async throws(BrokerError) -> [PolicyDocument] {
        let (key, origin) = (SignedReferenceDocument.key(signer), SignedReferenceDocument.origin(signer))
        let history = try await storing { () async throws(StorageError) in try await policyDocuments.history(key) }
        return history.filter { $0.origin == origin }.flatMap { change in
            change.text.flatMap { try? PolicyParser.parse($0, source: key.description) } ?? []
        }
    }

    private func store(
        _ grant: ReferenceGrant, _ signer: ReferenceSigner, _ former: [PolicyDocument], over stored: PolicySnapshot,
        dryRun: Bool, by author: String
    ) async throws(BrokerError) -> String {
        let key = SignedReferenceDocument.key(signer)
        let row = stored.policies.first { $0.key == key }
        if let row, row.origin != SignedReferenceDocument.origin(signer) {
            throw BrokerError(
                kind: .conflict, variant: "ReferenceManifest", code: "owned_by",
                message: "The document \(key.identifier) is not the signer's: it belongs to \(row.origin)")
        }
        let present = try row.map { row throws(BrokerError) in try parse([row]) }?.first
        var document = SignedReferenceDocument(signer, present, former: former)
        guard try document.take(grant, at: environment.clock.now(), by: author) else { return "unchanged" }
        let made = try parse(document.text, source: key.description)
        let rest = try parse(stored.policies.filter { $0.key != key })
        _ = try compile(rest + made, stored)
        if !dryRun {
            _ = try await storing { () async throws(StorageError) in
                try await policyDocuments.put(
                    made.map(\.newPolicy), origin: SignedReferenceDocument.origin(signer), by: author,
                    after: stored.generation)
            }
        }
        return present == nil ? "created" : "changed"
    }

    /// Throws `denied` where reference values need signatures, for documents that nobody signed and that do more than revoke.
    func requireUnsignedValuesAllowed(_ documents: [PolicyDocument]) throws(BrokerError) {
        guard configuration.referenceValues.requiresSignatures else { return }
        guard documents.allSatisfy(\.onlyRevokes) else { throw .valueSignatureRequired }
    }

    /// Throws `denied` where reference values need signatures.
    func requireUnsignedValuesAllowed() throws(BrokerError) {
        guard configuration.referenceValues.requiresSignatures else { return }
        throw .valueSignatureRequired
    }
}

extension PolicyDocument {
    /// Whether it gives no reference value, or takes some away only.
    var onlyRevokes: Bool {
        guard case .referenceValues(let spec) = spec else { return true }
        return spec.values.allSatisfy { $0.state == .revoked }
    }
}

extension ReferenceGrant {
    fileprivate func json(_ signer: ReferenceSigner, change: String, dryRun: Bool) -> JSONValue {
        [
            "dryRun": .bool(dryRun), "signer": .string(signer.name), "signedBy": .string(manifest.signedBy),
            "format": .string(manifest.format.rawValue), "manifest": .string(manifest.id),
            "version": .int(manifest.version), "digest": .string(manifest.digest),
            "signedAt": .optional(manifest.signedAt?.rfc3339), "validUntil": .string(end.rfc3339),
            "document": .string(SignedReferenceDocument.key(signer).identifier), "change": .string(change),
            "values": .array(values.map { ["name": .string($0.name), "value": $0.value] }),
        ]
    }
}

extension BrokerError {
    static let valueSignatureRequired = BrokerError(
        kind: .denied, variant: "ReferenceManifest", code: "signature_required",
        message:
            "This broker takes reference values only in signed manifests and signed bundles (code: signature_required): use claviger reference import"
    )
}
