import Encodings
public import HTTPTransport
public import RATS

/// AMD's key distribution service (KDS, AMD document 57230): certificates of chips and revocation lists, both DER.
public struct AMDKeyDistribution: CollateralPublisher {
    /// Where AMD serves it.
    public static let publicURL = "https://kdsintf.amd.com"

    /// `kds`.
    public let service = "kds"
    /// The address that requests begin with.
    public let baseURL: String

    /// The service at an address, AMD's own unless another is given; nil when it is no address.
    public init?(baseURL: String = AMDKeyDistribution.publicURL) {
        guard let url = Self.trimmed(baseURL) else { return nil }
        self.baseURL = url
    }

    /// `/vcek/v1/{product}/{hardware id}?blSPL=…` for a chip's certificate, `/{vcek|vlek}/v1/{product}/crl` for a list.
    public func request(for name: CollateralName) -> HTTPRequest? {
        let segments = name.segments
        guard segments.count >= 4, segments[0] == "amd", let product = Self.product(segments[2]) else { return nil }
        switch (segments[1], segments.count) {
        case ("vcek", 5):
            guard let query = Self.query(segments[4]), (try? Hex.decode(segments[3]))?.isEmpty == false else {
                return nil
            }
            return HTTPRequest(url: "\(baseURL)/vcek/v1/\(product)/\(segments[3])?\(query)")
        case ("crl", 4):
            guard CollateralName.AMDEndorsementKeyKind(rawValue: segments[3]) != nil else { return nil }
            return HTTPRequest(url: "\(baseURL)/\(segments[3])/v1/\(product)/crl")
        default: return nil
        }
    }

    /// The body as it is.
    public func item(
        _ name: CollateralName, in response: HTTPResponse
    ) throws(CollateralFetchFailure) -> CollateralItem {
        guard response.body.first == 0x30 else {
            throw CollateralFetchFailure(.malformed, "the service did not answer with DER.")
        }
        return CollateralItem(body: response.body)
    }

    /// The service's spelling of a product line: a capital, then small letters.
    private static func product(_ word: String) -> String? {
        guard let first = word.first, word.utf8.allSatisfy({ (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) })
        else { return nil }
        return first.uppercased() + word.dropFirst()
    }

    /// `bl3_tee0_snp8_ucode115` as `blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115`.
    private static func query(_ levels: String) -> String? {
        var terms: [String] = []
        for (component, level) in AMDSecurityLevels.parse(levels) ?? [] {
            terms.append("\(component)SPL=\(AMDSecurityLevels.digits(level))")
        }
        return terms.isEmpty ? nil : terms.joined(separator: "&")
    }
}

/// The last segment of a chip certificate's name: security patch levels by component.
enum AMDSecurityLevels {
    private static let components: Set<String> = ["fmc", "bl", "tee", "snp", "ucode"]

    static func parse(_ text: String) -> [(component: String, level: UInt8)]? {
        var levels: [(String, UInt8)] = []
        for term in text.split(separator: "_", omittingEmptySubsequences: false) {
            let component = String(term.prefix { !$0.isNumber })
            let digits = term.dropFirst(component.count)
            guard components.contains(component), !levels.contains(where: { $0.0 == component }),
                digits.utf8.count <= 3, let level = UInt8(digits)
            else { return nil }
            levels.append((component, level))
        }
        return levels
    }

    /// At least two digits, as the service and its offline copies write them.
    static func digits(_ level: UInt8) -> String { level < 10 ? "0\(level)" : "\(level)" }
}
