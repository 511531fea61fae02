import Encodings
import Foundation
import RATS
import Verification
import X509TestSupport
import X509Trust

/// A stand-in for NVIDIA: the root of its devices, the root over those who sign manifests, and what both publish.
package struct SimulatedNVIDIA: Sendable {
    /// The moment at which everything is valid.
    package let now: Date
    /// The root of devices.
    package let root: TestIssuer
    /// The authority over one kind of chip.
    package let identity: TestIssuer
    /// The authority that certifies single chips.
    package let provisioner: TestIssuer
    /// The root of manifests, and the authorities down to the signer.
    package let manifestIssuers: [TestIssuer]

    private static let end = Date(timeIntervalSince1970: 253_402_300_799)

    /// Authorities that were made a day before `now`.
    package init(at now: Date) throws {
        self.now = now
        let start = now.addingTimeInterval(-86_400)
        func issuer(_ name: String, _ serialNumber: UInt8, below above: TestIssuer? = nil) throws -> TestIssuer {
            let name = TestName([("CN", name), ("O", "NVIDIA")])
            let key = try TestKey.generate(.ec(.p384))
            guard let above else {
                return try .root(name, key: key, from: start) {
                    ($0.notAfter, $0.serialNumber) = (Self.end, [serialNumber])
                }
            }
            return try above.authority(name, key: key, from: start) {
                ($0.notAfter, $0.serialNumber) = (Self.end, [serialNumber])
            }
        }
        root = try issuer("NVIDIA Device Identity CA", 1)
        identity = try issuer("NVIDIA GH100 Identity", 2, below: root)
        provisioner = try issuer("NVIDIA GH100 Provisioner ICA 1", 3, below: identity)
        let manifestRoot = try issuer("NVIDIA CoRIM signing Root CA", 4)
        let authority = try issuer("NVIDIA Reference Value GH100 CA", 5, below: manifestRoot)
        manifestIssuers = [
            manifestRoot, authority,
            try authority.authority("HCC RIM L4 Signer", key: .generate(.ec(.p384)), from: start) {
                $0.serialNumber = [6]
                $0.extensions = [.basicConstraints(isAuthority: false), .keyUsage(.digitalSignature)]
            },
        ]
    }

    /// Trusts this stand-in's root of devices and nobody else.
    package var anchors: [PinnedAnchor] {
        [PinnedAnchor(name: "simulated NVIDIA Device Identity CA", certificate: root.certificate)]
    }

    /// Trusts this stand-in's root of manifests and nobody else.
    package var manifestAnchors: [PinnedAnchor] {
        [PinnedAnchor(name: "simulated NVIDIA CoRIM signing Root CA", certificate: manifestIssuers[0].certificate)]
    }

    /// The settings of a verifier that believes this stand-in.
    package var options: NVIDIAVerifier.Options {
        NVIDIAVerifier.Options(anchors: anchors, manifestAnchors: manifestAnchors)
    }

    /// A manifest of these registers, signed.
    package func manifest(_ draft: SimulatedManifest) throws -> [UInt8] {
        try draft.signed(
            by: manifestIssuers[manifestIssuers.count - 1].key,
            chain: manifestIssuers.reversed().map(\.certificate))
    }

    /// The manifests for a device and the answers about all certificates, as its collateral.
    package func collateral(for device: SimulatedNVIDIADevice) throws -> [CollateralName: CollateralItem] {
        var items: [CollateralName: CollateralItem] = [:]
        for (identifier, draft) in device.manifests {
            guard let name = CollateralName.nvidiaManifest(identifier) else { throw SimulationError("no name") }
            items[name] = CollateralItem(body: try manifest(draft))
        }
        for (issuer, path) in answered(device) { try answer(issuer, path, .good, into: &items) }
        return items
    }

    /// The answer about one certificate, by its place in the chain of a device from 1 on.
    package func answer(
        about place: Int, of device: SimulatedNVIDIADevice, _ status: OCSPResponseDraft.Status
    ) throws -> [CollateralName: CollateralItem] {
        var items: [CollateralName: CollateralItem] = [:]
        let (issuer, path) = answered(device)[place - 1]
        try answer(issuer, path, status, into: &items)
        return items
    }

    private func answered(_ device: SimulatedNVIDIADevice) -> [(TestIssuer, [Certificate])] {
        let chain = device.chain
        let manifest = Array(manifestIssuers.reversed())
        let certificates = manifest.map(\.certificate)
        return [
            (provisioner, Array(chain[1...])), (identity, Array(chain[2...])), (root, Array(chain[3...])),
            (manifest[1], certificates), (manifest[2], Array(certificates[1...])),
        ]
    }

    private func answer(
        _ issuer: TestIssuer, _ path: [Certificate], _ status: OCSPResponseDraft.Status,
        into items: inout [CollateralName: CollateralItem]
    ) throws {
        let body = try issuer.ocspResponse(OCSPResponseDraft(path[0], status, at: now))
        items[.nvidiaOCSPResponse(path[0].serialNumber)] = CollateralItem(body: body, issuerChain: path.map(\.der))
    }
}
