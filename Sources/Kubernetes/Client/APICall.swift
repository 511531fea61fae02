import Encodings
import HTTPTransport

/// One call of the API before it is known to which server and as whom.
struct APICall: Sendable {
    let method: String
    let path: String
    var query: [(name: String, value: String)] = []
    var accept = "application/json"
    var body: (type: String, bytes: [UInt8])?

    init(_ method: String, _ path: String) {
        self.method = method
        self.path = path
    }

    /// Whether this reads or writes a Lease.
    var isOfElection: Bool { path.hasPrefix("/apis/\(APIResource.leases.group)/") }

    /// Adds a parameter unless its value is nil.
    func asking(_ name: String, _ value: String?) -> APICall {
        guard let value else { return self }
        var copy = self
        copy.query.append((name, value))
        return copy
    }

    /// Sends a body.
    func sending(_ object: JSONObject, as type: String = "application/json") -> APICall {
        var copy = self
        copy.body = (type, object.serialized())
        return copy
    }

    /// Wants metadata alone. No other form is acceptable, so that a server that cannot do it refuses, and contents that
    /// nobody asked for stay there.
    func metadataOnly(_ kind: String) -> APICall {
        var copy = self
        copy.accept = "application/json;as=\(kind);g=meta.k8s.io;v=v1"
        return copy
    }

    func request(server: String, authorization: String?, timeout: Duration) -> HTTPRequest {
        let parameters = query.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
        var headers = [(name: "Accept", value: accept)]
        if let authorization { headers.append(("Authorization", authorization)) }
        if let body { headers.append(("Content-Type", body.type)) }
        return HTTPRequest(
            method: method, url: server + path + (parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")),
            headers: headers, body: body?.bytes, timeout: timeout)
    }
}

extension APIResource {
    /// A path whose parts are names that the API server accepts in paths.
    func checkedPath(
        namespace: String?, name: String? = nil, subresource: String? = nil, needsNamespace: Bool = true
    ) throws(KubernetesError) -> String {
        for part in [namespace, name, subresource].compactMap({ $0 }) {
            guard !part.isEmpty, part != ".", part != "..", !part.utf8.contains(where: { $0 == 0x2F || $0 == 0x25 })
            else { throw KubernetesError(.invalid, message: "'\(part.printable)' is no name of a \(kind).") }
        }
        guard !isNamespaced || !needsNamespace || namespace != nil else {
            throw KubernetesError(.invalid, message: "A \(kind) needs a namespace.")
        }
        return path(namespace: namespace, name: name, subresource: subresource)
    }
}
