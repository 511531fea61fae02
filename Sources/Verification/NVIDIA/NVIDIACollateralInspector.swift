import FoundationEssentials
public import RATS
public import X509Trust

/// Judges NVIDIA's collateral before it is kept: manifests of registers (`nvidia/rim/…`) and answers about certificates
/// (`nvidia/ocsp/…`).
public struct NVIDIACollateralInspector: CollateralInspector {
    private let anchors: [PinnedAnchor]
    private let manifestAnchors: [PinnedAnchor]

    /// An inspector that believes these roots.
    public init(
        anchors: [PinnedAnchor] = PinnedAnchor.nvidiaDevices,
        manifestAnchors: [PinnedAnchor] = PinnedAnchor.nvidiaManifests
    ) {
        self.anchors = anchors
        self.manifestAnchors = manifestAnchors
    }

    /// Verifies that NVIDIA signed a manifest of the version that its name states, or that the certificate's issuer answers
    /// for it.
    ///
    /// Of manifests of one name only newer ones replace what is kept. Throws `collateral_unknown` for a name that is not
    /// NVIDIA's, `collateral_invalid` for an item that is not what its name says.
    public func inspect(
        _ item: CollateralItem, named name: CollateralName
    ) throws(CollateralError) -> CollateralValidity {
        let segments = name.segments
        guard segments.count == 3, segments[0] == "nvidia" else { throw .foreign(name) }
        switch segments[1] {
        case "rim": return try inspectManifest(item.body, named: name, identifier: segments[2])
        case "ocsp": return try inspectAnswer(item, named: name)
        default: throw .foreign(name)
        }
    }

    private func inspectManifest(
        _ bytes: [UInt8], named name: CollateralName, identifier: String
    ) throws(CollateralError) -> CollateralValidity {
        do throws(NVIDIAManifestError) {
            let manifest = try NVIDIAManifest(parsing: bytes, anchors: manifestAnchors)
            let version = manifest.version.lowercased()
            // The identifier of firmware ends with the version without its points; nobody signs the rest of it.
            guard identifier.hasSuffix("_\(version)") || identifier.hasSuffix("_\(version.filter { $0 != "." })"),
                identifier.hasPrefix("nv_\(manifest.edition.lowercased())_")
            else { throw NVIDIAManifestError("It is for the version \(manifest.version).") }
            let seconds = UInt64(max(0, manifest.issued.timeIntervalSince1970))
            return CollateralValidity(
                issued: manifest.issued, nextUpdate: manifest.chain.notAfter, sequence: seconds)
        } catch {
            throw CollateralError(
                code: "collateral_invalid", message: "\(name) is not what it should be. \(error.message)")
        }
    }

    private func inspectAnswer(
        _ item: CollateralItem, named name: CollateralName
    ) throws(CollateralError) -> CollateralValidity {
        do throws(X509Error) {
            var path: [Certificate] = []
            for der in item.issuerChain { path.append(try Certificate(der: der)) }
            guard let certificate = path.first, name == .nvidiaOCSPResponse(certificate.serialNumber) else {
                throw X509Error(code: "chain_not_trusted", message: "The certificate beside it is another one.")
            }
            let issued = path.map(\.notBefore).max() ?? certificate.notBefore
            _ = try CertificateChain.verify(path: path, anchors: anchors + manifestAnchors, usage: .any, at: issued)
            let period = try OCSPResponse(der: item.body).period(of: path[...])
            return CollateralValidity(
                issued: period.lowerBound, nextUpdate: period.upperBound,
                sequence: UInt64(max(0, period.lowerBound.timeIntervalSince1970)))
        } catch {
            throw CollateralError(
                code: "collateral_invalid", message: "\(name) is not what it should be. \(error.message)")
        }
    }
}

extension CollateralError {
    fileprivate static func foreign(_ name: CollateralName) -> CollateralError {
        CollateralError(code: "collateral_unknown", message: "NVIDIA has no collateral of the name \(name).")
    }
}
