public import Collateral

/// Where collateral comes from: what manufacturers publish so that evidence of their hardware can be verified.
public struct CollateralConfiguration: Sendable, Hashable {
    /// How the cache behaves.
    public var settings = CollateralSettings()
    /// Where items are to be had, tried in this order.
    public var sources: [CollateralSourceConfiguration] = [.init(kind: .kds), .init(kind: .pcs)]
    /// Proxy URL for all requests; nil for none. Proxy variables of the environment are ignored.
    public var proxy: String?
    /// Hosts reached without the proxy, separated by commas.
    public var proxyExceptions: String?
    /// Paths of files with the public keys that may sign bundles for import: PEM, JWK or JWK set. Without any, no bundle is
    /// taken.
    public var keyFiles: [String] = []
    /// How many different keys must have signed a bundle.
    public var threshold = 1

    /// The services of AMD and Intel, straight, and no imports.
    public init() {}
}

/// One place where collateral is to be had.
public struct CollateralSourceConfiguration: Sendable, Hashable {
    /// What kind of place it is.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// AMD's key distribution service, or a mirror of it.
        case kds = "KDS"
        /// Intel's provisioning certification service.
        case pcs = "PCS"
        /// A cache of Intel's service in a data centre.
        case pccs = "PCCS"
        /// A folder of AMD's certificates as Trustee keeps them.
        case kdsFolder = "KDSFolder"
        /// A file of Intel's PcsClientTool.
        case pcsFile = "PCSFile"

        /// Whether it is on this machine.
        var isLocal: Bool { self == .kdsFolder || self == .pcsFile }
    }

    /// What kind of place it is.
    public var kind: Kind
    /// The address of a service; nil for the manufacturer's own.
    public var url: String?
    /// Where the revocation list of Intel's root is, when not at the usual place.
    public var rootListURL: String?
    /// The path of a folder or file.
    public var path: String?
    /// Path of a file with certification authorities (PEM) to trust in place of the system's.
    public var certificateAuthorityFile: String?

    /// A place of a kind, with nothing else said.
    public init(kind: Kind) { self.kind = kind }
}

extension CollateralConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        settings.network = try section.flag("network") ?? settings.network
        settings.grace = try section.duration("grace", in: .zero ... .seconds(366 * 86_400)) ?? settings.grace
        settings.refreshAfter =
            try section.duration("refreshAfter", in: .seconds(600) ... .seconds(366 * 86_400)) ?? settings.refreshAfter
        settings.warnBefore =
            try section.duration("warnBefore", in: .zero ... .seconds(366 * 86_400)) ?? settings.warnBefore
        settings.timeout = try section.duration("timeout", in: .milliseconds(100) ... .seconds(120)) ?? settings.timeout
        settings.maximumItems = try section.integer("maximumItems", in: 1...10_000_000) ?? settings.maximumItems
        proxy = try section.text("proxy")
        proxyExceptions = try section.text("proxyExceptions")
        if let listed = try section.sections("sources") {
            sources = []
            for var source in listed { sources.append(try CollateralSourceConfiguration(&source)) }
        }
        if var signatures = try section.section("signatures") {
            keyFiles = try signatures.texts("keys") ?? keyFiles
            threshold = try signatures.integer("threshold", in: 1...16) ?? threshold
            try signatures.finish()
        }
        try section.finish()
    }
}

extension CollateralSourceConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        let name = try section.requiredText("type")
        guard let kind = Kind(rawValue: name) else {
            throw section.invalid("type", "must be one of \(Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        self.init(kind: kind)
        if kind.isLocal {
            path = try section.requiredText("path")
        } else {
            url = kind == .pccs ? try section.requiredText("url") : try section.text("url")
            certificateAuthorityFile = try section.text("certificateAuthorityFile")
            if kind != .kds { rootListURL = try section.text("rootListURL") }
        }
        for address in [url, rootListURL] where address.map({ !$0.hasPrefix("https://") }) ?? false {
            throw section.invalid("url", "and rootListURL must be https:// addresses.")
        }
        try section.finish()
    }
}
