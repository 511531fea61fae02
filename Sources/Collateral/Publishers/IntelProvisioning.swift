import Encodings
public import HTTPTransport
public import RATS

/// Intel's provisioning certification service (PCS, API version 4), and caches of it in data centres (PCCS), which speak the
/// same paths.
public struct IntelProvisioning: CollateralPublisher {
    /// Where Intel serves it.
    public static let publicURL = "https://api.trustedservices.intel.com"
    /// Where Intel serves the revocation list of its root, which is not part of the API.
    public static let publicRootListURL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"

    /// Who answers.
    public enum Face: String, Sendable, Hashable {
        /// Intel.
        case pcs
        /// A cache of one's own. It serves the root's revocation list too, as hexadecimal text.
        case pccs
    }

    /// The face's name.
    public var service: String { face.rawValue }
    /// The address that requests begin with.
    public let baseURL: String
    private let face: Face
    private let rootListURL: String

    /// The service at an address.
    ///
    /// - Parameters:
    ///   - face: Who answers.
    ///   - baseURL: Where; Intel's own address unless another is given.
    ///   - rootListURL: Where the revocation list of the root is, when it is elsewhere than at Intel's, or the cache's,
    ///     usual place.
    /// - Returns: nil when one of them is no address.
    public init?(_ face: Face = .pcs, baseURL: String = IntelProvisioning.publicURL, rootListURL: String? = nil) {
        guard let url = Self.trimmed(baseURL) else { return nil }
        let usual = face == .pcs ? Self.publicRootListURL : "\(url)/sgx/certification/v4/rootcacrl"
        guard let list = Self.trimmed(rootListURL ?? usual) else { return nil }
        self.face = face
        self.baseURL = url
        self.rootListURL = list
    }

    /// The request of the API's version 4, and for the root's revocation list that of its own address.
    public func request(for name: CollateralName) -> HTTPRequest? {
        if name == .intelRootRevocationList { return HTTPRequest(url: rootListURL) }
        return Self.path(name).map { HTTPRequest(url: baseURL + $0) }
    }

    private static func path(_ name: CollateralName) -> String? {
        let segments = name.segments
        guard segments.count >= 3, segments[0] == "intel" else { return nil }
        switch (segments[1], segments.count) {
        case ("tcb", 5):
            guard let kind = CollateralName.IntelQuoteKind(rawValue: segments[2]),
                (try? Hex.decode(segments[3]))?.count == 6,
                let channel = CollateralName.IntelUpdateChannel(rawValue: segments[4])
            else { return nil }
            let fmspc = segments[3].uppercased()
            return "/\(kind.rawValue)/certification/v4/tcb?fmspc=\(fmspc)&update=\(channel.rawValue)"
        case ("qe", 4):
            guard let kind = CollateralName.IntelQuoteKind(rawValue: segments[2]),
                let channel = CollateralName.IntelUpdateChannel(rawValue: segments[3])
            else { return nil }
            return "/\(kind.rawValue)/certification/v4/qe/identity?update=\(channel.rawValue)"
        case ("crl", 3):
            guard let authority = CollateralName.IntelPCKAuthority(rawValue: segments[2]) else { return nil }
            return "/sgx/certification/v4/pckcrl?ca=\(authority.rawValue)&encoding=der"
        default: return nil
        }
    }

    /// The body, byte by byte as it was served, with the chain of its signer from the header that belongs to the name.
    public func item(
        _ name: CollateralName, in response: HTTPResponse
    ) throws(CollateralFetchFailure) -> CollateralItem {
        switch name.segments.dropFirst().first {
        case "tcb": try signed(response, headers: ["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"])
        case "qe": try signed(response, headers: ["SGX-Enclave-Identity-Issuer-Chain"])
        case "crl" where name == .intelRootRevocationList: CollateralItem(body: try Self.list(response.body))
        case "crl":
            CollateralItem(
                body: try Self.list(response.body),
                issuerChain: try Self.chain(response, headers: ["SGX-PCK-CRL-Issuer-Chain"]))
        default: throw CollateralFetchFailure(.malformed, "the service has nothing of that name.")
        }
    }

    private func signed(
        _ response: HTTPResponse, headers: [String]
    ) throws(CollateralFetchFailure) -> CollateralItem {
        guard response.body.first == UInt8(ascii: "{") else {
            throw CollateralFetchFailure(.malformed, "the service did not answer with JSON.")
        }
        return CollateralItem(body: response.body, issuerChain: try Self.chain(response, headers: headers))
    }

    private static func chain(
        _ response: HTTPResponse, headers: [String]
    ) throws(CollateralFetchFailure) -> [[UInt8]] {
        guard let text = headers.lazy.compactMap({ response.header($0) }).first else {
            throw CollateralFetchFailure(.malformed, "the answer lacks the header \(headers[0]).")
        }
        return try IssuerChain.certificates(percentEncoded: text)
    }

    /// A list as DER; caches hand it out as hexadecimal text.
    private static func list(_ body: [UInt8]) throws(CollateralFetchFailure) -> [UInt8] {
        let der = body.first == 0x30 && body.dropFirst().first.map { $0 >= 0x80 } ?? false
        if der { return body }
        let text = String(decoding: body.filter { $0 > 0x20 && $0 != UInt8(ascii: "\"") }, as: UTF8.self)
        guard let bytes = try? Hex.decode(text), bytes.first == 0x30 else {
            throw CollateralFetchFailure(.malformed, "the service did not answer with a revocation list.")
        }
        return bytes
    }
}
