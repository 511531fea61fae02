import Encodings
import FoundationEssentials
public import RATS
import X509Trust

/// A folder of chips' certificates as Trustee keeps them for sites without a network:
/// `vcek/{hardware id}/bl03_tee00_snp08_ucode115[_fmc01]_vcek.der`, or `vcek.der` in the same folder.
public struct AMDOfflineStore: CollateralOrigin {
    private static let fallback = "vcek.der"
    private static let suffix = "_vcek.der"
    /// The order of components in file names.
    private static let order = ["bl", "tee", "snp", "ucode", "fmc"]
    /// The most chips and files that are taken out of a folder at once.
    private static let maximumEntries = 100_000

    /// The folder.
    public let name: String
    /// Never.
    public let usesNetwork = false
    private let folder: String

    /// The folder that holds the folder `vcek`.
    public init(folder: String) {
        self.folder = folder
        name = "kds-folder \(folder)"
    }

    /// Whether it names a chip's certificate.
    public func provides(_ name: CollateralName) -> Bool { Self.files(name) != nil }

    /// Reads the chip's file for exactly these levels, or else the chip's only file.
    public func item(_ name: CollateralName) async throws(CollateralFetchFailure) -> CollateralItem {
        for file in Self.files(name) ?? [] {
            let path = "\(folder)/\(file)"
            if let der = try CollateralFile.bytes(path, limit: CollateralLimits.certificateBytes) {
                return CollateralItem(body: der)
            }
        }
        throw CollateralFetchFailure(.unknown, "\(self.name) has no such certificate.")
    }

    private static func files(_ name: CollateralName) -> [String]? {
        let segments = name.segments
        // What becomes a path was read as hexadecimal digits and numbers first.
        guard segments.count == 5, segments[0] == "amd", segments[1] == "vcek",
            let chip = try? Hex.decode(segments[3]), let levels = AMDSecurityLevels.parse(segments[4])
        else { return nil }
        let sorted = order.compactMap { component in levels.first { $0.component == component } }
        let file = sorted.map { "\($0.component)\(AMDSecurityLevels.digits($0.level))" }.joined(separator: "_") + suffix
        return ["vcek/\(Hex.encode(chip))/\(file)", "vcek/\(Hex.encode(chip))/\(fallback)"]
    }

    /// All certificates whose files name their levels, under their names, and the paths of the others.
    ///
    /// - Throws: ``CollateralFetchFailure`` when the folder cannot be read.
    public func everything() throws(CollateralFetchFailure) -> (
        items: [CollateralName: CollateralItem], skipped: [String]
    ) {
        guard let chips = try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/vcek") else {
            throw CollateralFetchFailure(.unavailable, "The folder \(folder)/vcek cannot be read.")
        }
        var items: [CollateralName: CollateralItem] = [:]
        var skipped: [String] = []
        for chip in chips.sorted().prefix(Self.maximumEntries) {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/vcek/\(chip)")) ?? []
            for file in files.sorted().prefix(Self.maximumEntries) {
                let path = "vcek/\(chip)/\(file)"
                let der = try CollateralFile.bytes("\(folder)/\(path)", limit: CollateralLimits.certificateBytes)
                if let der, let name = Self.name(chip: chip, file: file, der: der) {
                    items[name] = CollateralItem(body: der)
                } else {
                    skipped.append(path)
                }
            }
        }
        return (items, skipped)
    }

    /// The name that a file belongs to. Its path does not say the product line; the certificate's issuer does.
    private static func name(chip: String, file: String, der: [UInt8]) -> CollateralName? {
        guard file.hasSuffix(suffix), let hardwareID = try? Hex.decode(chip),
            let levels = AMDSecurityLevels.parse(String(file.dropLast(suffix.count))),
            let issuer = try? Certificate(der: der).issuer
        else { return nil }
        guard let product = ["milan", "genoa", "turin", "venice"].first(where: { issuer.lowercased().contains($0) })
        else { return nil }
        // The service's order, in which names list the levels, has the component of newer lines first.
        let ordered = levels.filter { $0.component == "fmc" } + levels.filter { $0.component != "fmc" }
        return .amdVCEK(product: product, hardwareID: hardwareID, levels: ordered)
    }
}
