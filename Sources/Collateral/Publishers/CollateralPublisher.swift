public import HTTPTransport
public import RATS

/// How one manufacturer's service names things and answers: the request for a name, and the item in the response.
///
/// A new manufacturer is a new type with this protocol, its names in `RATS`, and an inspector beside its verifier.
public protocol CollateralPublisher: Sendable {
    /// A short word for the service, such as `kds`.
    var service: String { get }
    /// The address that requests begin with, without a slash at its end.
    var baseURL: String { get }

    /// The request for an item; nil for names that this service does not have.
    func request(for name: CollateralName) -> HTTPRequest?

    /// The item in the answer to such a request, whose status is 200. Nothing about it is believed yet.
    func item(
        _ name: CollateralName, in response: HTTPResponse
    ) throws(CollateralFetchFailure) -> CollateralItem
}

extension CollateralPublisher {
    /// A base address as requests need it, or nil when it is no plain `https` or `http` address of a host.
    static func trimmed(_ url: String) -> String? {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        guard let scheme = ["https://", "http://"].first(where: url.hasPrefix) else { return nil }
        let rest = url.dropFirst(scheme.count)
        guard !rest.isEmpty, !rest.hasPrefix("/"), rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !rest.contains(where: { "@?#\\".contains($0) })
        else { return nil }
        return url
    }
}
