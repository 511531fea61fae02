import Encodings
public import RATS

/// A file of Intel's collateral in the form that Intel's PcsClientTool writes (`platform_collaterals.json`), which Trustee reads
/// too.
public struct IntelCollateralFile: CollateralOrigin {
    /// The largest file that is read, in bytes.
    public static let maximumBytes = 64 << 20

    /// The file.
    public let name: String
    /// Never.
    public let usesNetwork = false
    private let path: String

    /// The file at a path; it is read whenever something of it is wanted.
    public init(path: String) {
        self.path = path
        name = "pcs-file \(path)"
    }

    /// Whether it is a thing of Intel's.
    public func provides(_ name: CollateralName) -> Bool { name.segments.first == "intel" }

    /// Reads the file.
    public func item(_ name: CollateralName) async throws(CollateralFetchFailure) -> CollateralItem {
        guard let bytes = try CollateralFile.bytes(path, limit: Self.maximumBytes) else {
            throw CollateralFetchFailure(.unavailable, "The file \(path) cannot be read.")
        }
        guard let item = try Self.items(in: bytes)[name] else {
            throw CollateralFetchFailure(.unknown, "\(self.name) has no such thing.")
        }
        return item
    }

    /// Everything in such a file. What a signature is over stands there as text, or as JSON, which is then written without
    /// white space in the order of the file, as the service does; a tool that changed more than that spoiled the signature.
    ///
    /// - Throws: ``CollateralFetchFailure`` of kind `malformed`.
    public static func items(
        in bytes: [UInt8]
    ) throws(CollateralFetchFailure) -> [CollateralName: CollateralItem] {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONValue(
                parsing: bytes, limits: JSONLimits(maximumBytes: maximumBytes, maximumValues: 10_000_000))
        } catch {
            throw CollateralFetchFailure(.malformed, "The file is not acceptable JSON: \(error.description)")
        }
        guard let content = (root["collaterals"] ?? root).objectValue, content.contains("tcbinfos") else {
            throw CollateralFetchFailure(.malformed, "The file has no collaterals with tcbinfos.")
        }
        var reader = Reader(content: content)
        try reader.readLevels()
        try reader.readIdentities()
        try reader.readLists()
        return reader.items
    }

    private struct Reader {
        let content: JSONObject
        var items: [CollateralName: CollateralItem] = [:]

        private var certificates: JSONValue { content["certificates"] ?? .null }

        mutating func readLevels() throws(CollateralFetchFailure) {
            let chain = try chain(certificates["TCB-Info-Issuer-Chain"] ?? certificates["SGX-TCB-Info-Issuer-Chain"])
            for element in content["tcbinfos"]?.arrayValue ?? [] {
                guard let fmspc = try? Hex.decode(element["fmspc"]?.stringValue ?? ""), fmspc.count == 6
                else { throw CollateralFetchFailure(.malformed, "An element of tcbinfos has no fmspc of 6 bytes.") }
                for kind in CollateralName.IntelQuoteKind.allCases {
                    for channel in CollateralName.IntelUpdateChannel.allCases {
                        add(
                            .intelTCBInfo(kind, fmspc: fmspc, channel: channel),
                            element["\(kind.rawValue)_tcbinfo\(Self.suffix(channel))"], chain)
                    }
                }
            }
        }

        mutating func readIdentities() throws(CollateralFetchFailure) {
            let chain = try chain(certificates["SGX-Enclave-Identity-Issuer-Chain"])
            for (kind, member) in [(CollateralName.IntelQuoteKind.sgx, "qeidentity"), (.tdx, "tdqeidentity")] {
                for channel in CollateralName.IntelUpdateChannel.allCases {
                    add(.intelQEIdentity(kind, channel: channel), content["\(member)\(Self.suffix(channel))"], chain)
                }
            }
        }

        mutating func readLists() throws(CollateralFetchFailure) {
            let chains = certificates["SGX-PCK-Certificate-Issuer-Chain"] ?? .null
            for authority in CollateralName.IntelPCKAuthority.allCases {
                let chain = try chain(chains[authority.rawValue.uppercased()])
                try addList(
                    .intelPCKRevocationList(authority), content["pckcacrl"]?["\(authority.rawValue)Crl"], chain)
            }
            try addList(.intelRootRevocationList, content["rootcacrl"], [])
        }

        private static func suffix(_ channel: CollateralName.IntelUpdateChannel) -> String {
            channel == .early ? "_early" : ""
        }

        private mutating func add(_ name: CollateralName, _ value: JSONValue?, _ chain: [[UInt8]]) {
            guard let value else { return }
            if let text = value.stringValue {
                guard !text.isEmpty else { return }
                items[name] = CollateralItem(body: Array(text.utf8), issuerChain: chain)
            } else if value.objectValue != nil {
                items[name] = CollateralItem(body: value.serialized(), issuerChain: chain)
            }
        }

        private mutating func addList(
            _ name: CollateralName, _ value: JSONValue?, _ chain: [[UInt8]]
        ) throws(CollateralFetchFailure) {
            guard let text = value?.stringValue, !text.isEmpty else { return }
            guard let der = try? Hex.decode(text) else {
                throw CollateralFetchFailure(.malformed, "A revocation list of the file is not hexadecimal.")
            }
            items[name] = CollateralItem(body: der, issuerChain: chain)
        }

        private func chain(_ value: JSONValue?) throws(CollateralFetchFailure) -> [[UInt8]] {
            guard let text = value?.stringValue, !text.isEmpty else { return [] }
            return try IssuerChain.certificates(percentEncoded: text)
        }
    }
}
