import Encodings
import HTTPTransport
import JOSE

/// Asks an issuer of tokens for its keys (OpenID Connect Discovery 1.0 section 4).
///
/// Nobody else is asked: of the address that the issuer gives for its keys only the path counts, so that neither the request
/// nor the token that goes with it can be led elsewhere. The issuer's server is trusted by the given certificates alone. Files
/// are read anew each time: certificates and tokens of a cluster are renewed while the broker runs.
struct IssuerDiscovery: Sendable {
    private static let maximumBytes = 1_048_576
    private static let maximumTokenBytes = 65_536
    private static let patience: Duration = .seconds(5)

    let issuer: String
    let certificateFile: String
    let tokenFile: String?

    /// The issuer's keys as they are now.
    func keys() async throws(IssuerKeys.Unavailable) -> JWKSet {
        let client = try client()
        let headers = try headers()
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let document = try await get(base + "/.well-known/openid-configuration", client, headers)
        guard let object = try? JSONObject(parsing: document),
            object["issuer"]?.stringValue.map({ $0.utf8.elementsEqual(issuer.utf8) }) == true
        else { throw .init(message: "The discovery document is none, or of another issuer.") }
        guard let address = object["jwks_uri"]?.stringValue, let path = Self.path(of: address) else {
            throw .init(message: "The discovery document gives no https address for the keys.")
        }
        let set = try await get(Self.origin(of: issuer) + path, client, headers)
        do throws(JOSEError) {
            let keys = try JWKSet(json: set)
            guard !keys.usableKeys.isEmpty else {
                throw JOSEError(code: "no_key", message: "There is no key among them that can verify a signature.")
            }
            return keys
        } catch {
            throw .init(message: "The keys cannot be used: \(error.message)")
        }
    }

    private func client() throws(IssuerKeys.Unavailable) -> HTTPClient {
        do {
            let anchors = try BoundedFile.text(certificateFile, limit: Self.maximumBytes)
            return try HTTPClient(
                configuration: HTTPClientConfiguration(
                    trustAnchorsPEM: anchors, systemTrust: false, userAgent: "claviger-broker",
                    maximumResponseBytes: Self.maximumBytes, machineAddressesRefused: true))
        } catch {
            throw .init(message: "The certificates to trust cannot be used: \(error)")
        }
    }

    private func headers() throws(IssuerKeys.Unavailable) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = [("Accept", "application/json, application/jwk-set+json")]
        guard let tokenFile else { return headers }
        do throws(BoundedFileError) {
            let token = try BoundedFile.text(tokenFile, limit: Self.maximumTokenBytes)
            headers.append(("Authorization", "Bearer " + token.filter { !$0.isWhitespace }))
        } catch {
            throw .init(message: "The token for the issuer cannot be read: \(error.message)")
        }
        return headers
    }

    private func get(
        _ url: String, _ client: HTTPClient, _ headers: [(name: String, value: String)]
    ) async throws(IssuerKeys.Unavailable) -> [UInt8] {
        do throws(HTTPTransportError) {
            let response = try await client.send(
                HTTPRequest(url: url, headers: headers, timeout: Self.patience, connectTimeout: Self.patience))
            guard response.status == 200 else {
                throw HTTPTransportError(.failed, "\(url) answered with status \(response.status).")
            }
            return response.body
        } catch {
            throw .init(message: error.message)
        }
    }

    /// `https://host:port` of an address.
    static func origin(of address: String) -> String {
        let host = address.dropFirst("https://".count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return "https://" + host
    }

    /// The path, with its query, of an https address; nil for anything else.
    static func path(of address: String) -> String? {
        guard address.hasPrefix("https://") else { return nil }
        let path = address.dropFirst("https://".count).drop { $0 != "/" }
        return path.isEmpty ? nil : String(path)
    }
}
