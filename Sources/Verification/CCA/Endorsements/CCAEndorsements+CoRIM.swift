import Encodings
import FoundationEssentials
public import X509Trust

/// Manifests of makers (draft-ydb-rats-cca-endorsements).
extension CCAEndorsements {
    /// What a manifest that nobody signed says of CCA platforms: the operator answers for it by bringing it in.
    ///
    /// Throws `malformed_endorsements`.
    public init(unsignedManifest bytes: [UInt8]) throws(CCAEndorsementError) {
        do throws(CoRIMError) {
            try self.init(CoRIM(unsigned: bytes))
        } catch {
            throw Self.refusal(error)
        }
    }

    /// Who may sign manifests, and about whose machines.
    public struct ManifestSigner: Sendable, Hashable {
        /// The key.
        public let key: PublicKey
        /// The makes of machine that this signer's word counts about, 32 bytes each.
        public let implementationIDs: Set<[UInt8]>

        /// A signer for these makes of machine and no other.
        public init(key: PublicKey, implementationIDs: Set<[UInt8]>) {
            self.key = key
            self.implementationIDs = implementationIDs
        }
    }

    /// What a manifest says of CCA platforms that one of these signers signed. One that speaks about a machine of another
    /// make than its signer may speak about is refused as a whole.
    ///
    /// Throws `malformed_endorsements` and `endorsements_not_trusted`.
    public init(signedManifest bytes: [UInt8], by signers: [ManifestSigner]) throws(CCAEndorsementError) {
        let manifest: CoRIM
        do throws(CoRIMError) {
            manifest = try CoRIM(signed: bytes, by: signers.map(\.key))
            try self.init(manifest)
        } catch {
            throw Self.refusal(error)
        }
        let granted = Set(signers.filter { $0.key == manifest.signer }.flatMap(\.implementationIDs))
        for identifier in anchors.map(\.implementationID) + releases.map(\.implementationID)
        where !granted.contains(identifier) {
            throw .untrusted(
                "The manifest speaks about machines of the make \(Hex.encode(identifier)), which its signer may not.")
        }
    }

    private static func refusal(_ error: CoRIMError) -> CCAEndorsementError {
        error.isUntrusted ? .untrusted(error.message) : .malformed("The manifest is refused. \(error.message)")
    }

    private enum Label {
        static let triples: CBORValue = 4
        static let references: CBORValue = 0
        static let attestationKeys: CBORValue = 3
    }

    /// The tags of a manifest's values (draft-ietf-rats-corim, PSA and CCA profiles).
    private enum Tag {
        static let implementationID: UInt64 = 600
        static let softwareComponent: UInt64 = 601
        static let configuration: UInt64 = 602
        static let uniqueID: UInt64 = 550
        static let publicKey: UInt64 = 554
        static let rawBytes: UInt64 = 560
    }

    private init(_ manifest: CoRIM) throws(CoRIMError) {
        var anchors: [TrustAnchor] = []
        var releases: [Release] = []
        for module in manifest.modules {
            guard let triples = module[Label.triples]?.mapValue else { throw CoRIMError("A module says nothing.") }
            for triple in triples[Label.attestationKeys]?.arrayValue ?? [] {
                anchors.append(try Self.anchor(triple, manifest.validity))
            }
            for triple in triples[Label.references]?.arrayValue ?? [] {
                // References about realms have no make of machine; they are for policies.
                guard let release = try Self.release(triple, manifest.validity) else { continue }
                releases.append(release)
            }
        }
        self.init(anchors: anchors, releases: releases)
    }

    private static func anchor(
        _ triple: CBORValue, _ validity: ClosedRange<Date>?
    ) throws(CoRIMError) -> TrustAnchor {
        guard let parts = triple.arrayValue, parts.count == 2, let environment = parts[0].mapValue,
            let implementation = implementationID(environment),
            let instance = environment[1]?.tagged(Tag.uniqueID)?.bytesValue, instance.count == 33,
            let keys = parts[1].arrayValue, keys.count == 1, let pem = keys[0].tagged(Tag.publicKey)?.textValue,
            let key = try? PublicKey(pem: pem)
        else { throw CoRIMError("An attestation key is not one of a CCA platform.") }
        return TrustAnchor(implementationID: implementation, instanceID: instance, key: key, validity: validity)
    }

    private static func implementationID(_ environment: CBORMap) -> [UInt8]? {
        guard let bytes = environment[0]?.mapValue?[0]?.tagged(Tag.implementationID)?.bytesValue, bytes.count == 32
        else { return nil }
        return bytes
    }

    private static func release(
        _ triple: CBORValue, _ validity: ClosedRange<Date>?
    ) throws(CoRIMError) -> Release? {
        guard let parts = triple.arrayValue, parts.count == 2, let environment = parts[0].mapValue,
            let measurements = parts[1].arrayValue
        else { throw CoRIMError("A reference is not about anything.") }
        guard let implementation = implementationID(environment) else { return nil }
        var components: [Component] = []
        var configurations: Set<[UInt8]> = []
        for measurement in measurements {
            guard let map = measurement.mapValue, let key = map[0], let values = map[1]?.mapValue else {
                throw CoRIMError("A measurement has no name or no value.")
            }
            if let name = key.tagged(Tag.softwareComponent)?.mapValue {
                components.append(try component(name, values))
            } else if key.tagged(Tag.configuration) != nil {
                guard let bytes = values[4]?.tagged(Tag.rawBytes)?.bytesValue else {
                    throw CoRIMError("A configuration has no value.")
                }
                configurations.insert(bytes)
            } else {
                // What is not understood could be a condition, and to leave it out would let in more than was meant.
                throw CoRIMError("A measurement is of a kind that is not known.")
            }
        }
        guard !components.isEmpty else { throw CoRIMError("A reference names no software component.") }
        return Release(
            implementationID: implementation, components: components, configurations: configurations,
            validity: validity)
    }

    private static func component(_ name: CBORMap, _ values: CBORMap) throws(CoRIMError) -> Component {
        let digests = values[2]?.arrayValue?.compactMap { pair -> [UInt8]? in
            guard let parts = pair.arrayValue, parts.count == 2, let bytes = parts[1].bytesValue,
                CCAClaimReader.digestSizes.contains(bytes.count)
            else { return nil }
            return bytes
        }
        guard let digests, !digests.isEmpty, digests.count == values[2]?.arrayValue?.count,
            let signer = name[5]?.bytesValue, CCAClaimReader.digestSizes.contains(signer.count)
        else { throw CoRIMError("A software component has no signer or no digests.") }
        return Component(
            type: name[1]?.textValue, version: name[4]?.textValue, signerID: signer, measurements: Set(digests))
    }
}
