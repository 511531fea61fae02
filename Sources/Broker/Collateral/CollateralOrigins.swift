import Collateral
import JOSE

extension CollateralConfiguration {
    /// The origins that are configured; reads the files with certification authorities.
    ///
    /// Throws ``ConfigurationError`` for an address, a proxy or a file that cannot be used.
    func origins() throws(ConfigurationError) -> [any CollateralOrigin] {
        var origins: [any CollateralOrigin] = []
        for source in sources { origins.append(try origin(source)) }
        return origins
    }

    private func origin(_ source: CollateralSourceConfiguration) throws(ConfigurationError) -> any CollateralOrigin {
        let path = source.path ?? ""
        let publisher: (any CollateralPublisher)?
        switch source.kind {
        case .kdsFolder: return AMDOfflineStore(folder: path)
        case .pcsFile: return IntelCollateralFile(path: path)
        case .kds: publisher = AMDKeyDistribution(baseURL: source.url ?? AMDKeyDistribution.publicURL)
        case .pcs, .pccs:
            publisher = IntelProvisioning(
                source.kind == .pccs ? .pccs : .pcs, baseURL: source.url ?? IntelProvisioning.publicURL,
                rootListURL: source.rootListURL)
        }
        guard let publisher else {
            throw ConfigurationError(
                code: "invalid_value",
                message: "collateral.sources: \(source.url ?? "") is no address of a \(source.kind.rawValue).")
        }
        let authorities = try source.certificateAuthorityFile.map { path throws(ConfigurationError) in
            try ConfigurationFile.text(at: path)
        }
        do throws(CollateralFetchFailure) {
            return try PublishedOrigin(
                publisher, proxy: proxy, proxyExceptions: proxyExceptions, trustAnchorsPEM: authorities,
                timeout: settings.timeout)
        } catch {
            throw ConfigurationError(code: "invalid_value", message: "collateral: \(error.message)")
        }
    }

    /// The keys whose signatures on bundles count; nil when there are none.
    ///
    /// Throws ``ConfigurationError`` for a file that cannot be used.
    func trustedSigners() throws(ConfigurationError) -> TrustedSigners? {
        guard !keyFiles.isEmpty else { return nil }
        var files: [[UInt8]] = []
        for path in keyFiles { files.append(try ConfigurationFile.bytes(at: path)) }
        do throws(JOSEError) {
            var keys: [VerificationKey] = []
            for file in files { keys += try TrustedSigners.keys(inFile: file) }
            return try TrustedSigners(keys, threshold: threshold)
        } catch {
            throw ConfigurationError(code: "invalid_key", message: "collateral.signatures.keys: \(error.message)")
        }
    }
}
