import FoundationEssentials
import RATS

/// Where a verification finds manifests: among those at hand and, asked for once each, in collateral.
struct NVIDIAManifestLibrary: Sendable {
    /// A manifest that a report asks for.
    struct Finding: Sendable {
        let need: NVIDIAManifestNeed
        /// `nil` when there is none.
        let manifest: NVIDIAManifest?
        /// Whether the signer's certificate has expired, which the settings then let in.
        var isExpired = false
        /// Whether none of the signer's certificates is known to be revoked, and all are known.
        var isGood = false
    }

    private let options: NVIDIAVerifier.Options
    private let context: VerificationContext
    private var findings: [NVIDIAManifestNeed: Finding] = [:]

    init(_ options: NVIDIAVerifier.Options, _ context: VerificationContext) {
        self.options = options
        self.context = context
    }

    /// What there is for a device. Throws `manifest_unavailable`, `manifest_expired` and `manifest_not_yet_valid`.
    mutating func manifests(for device: NVIDIADevice) async throws(VerificationError) -> [Finding] {
        var all: [Finding] = []
        for need in NVIDIAManifestNeed.all(of: device.report, device.identity) {
            var finding = findings[need]
            if finding == nil {
                finding = try judged(Finding(need: need, manifest: await manifest(for: need)))
                findings[need] = finding
            }
            if let finding { all.append(finding) }
        }
        return all
    }

    private func manifest(for need: NVIDIAManifestNeed) async -> NVIDIAManifest? {
        var library = NVIDIAManifests()
        if let file = options.manifests.manifest(edition: need.part.edition, chip: need.chip, version: need.version) {
            library.add(file)
        }
        if let name = need.identifier.flatMap(CollateralName.nvidiaManifest),
            let item = try? await context.collateral.item(name),
            let manifest = try? NVIDIAManifest(parsing: item.body, anchors: options.manifestAnchors),
            need.isMet(by: manifest)
        {
            library.add(manifest)
        }
        return library.manifest(edition: need.part.edition, chip: need.chip, version: need.version)
    }

    private func judged(_ finding: Finding) throws(VerificationError) -> Finding {
        guard let manifest = finding.manifest else {
            guard !options.requiresManifests else {
                throw VerificationError(
                    code: "manifest_unavailable",
                    message: "There is no manifest for \(finding.need.part.title) of the \(finding.need.chip), version "
                        + "\(finding.need.version.printable). Add it to verifiers.nvidia.manifestFiles or import it.")
            }
            return finding
        }
        let now = context.clock.now()
        guard manifest.chain.notBefore <= now else {
            throw VerificationError(
                code: "manifest_not_yet_valid",
                message: "The signer of the manifest for \(finding.need.part.title) is of "
                    + "\(manifest.chain.notBefore.formatted(.iso8601)).")
        }
        let isExpired = now > manifest.chain.notAfter
        guard !isExpired || options.allowsExpiredManifestSigners else {
            throw VerificationError(
                code: "manifest_expired",
                message: "The signer of the manifest for \(finding.need.part.title) was valid until "
                    + "\(manifest.chain.notAfter.formatted(.iso8601)). Get the manifest again from NVIDIA.")
        }
        return Finding(need: finding.need, manifest: manifest, isExpired: isExpired)
    }
}
