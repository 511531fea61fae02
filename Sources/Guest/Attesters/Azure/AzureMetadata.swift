import Encodings
import HTTPTransport
import JOSE

/// Azure's instance metadata service: the host's word on this machine, over plain http on a link-local address.
///
/// What it says needs no protection on the way: certificates and quotes are signed, and verified by whoever gets them.
struct AzureMetadata: Sendable {
    private static let maximumBytes = 65_536
    private static let timeout: Duration = .seconds(20)

    private let http: HTTPClient
    private let address: String

    init(_ address: String) throws(GuestError) {
        self.address = address
        do throws(HTTPTransportError) {
            http = try HTTPClient(
                configuration: .init(
                    userAgent: "claviger-attestation-agent", maximumResponseBytes: Self.maximumBytes,
                    insecureHTTPAllowed: true))
        } catch {
            throw GuestError(.evidence, "No client for the metadata service can be made: \(error.message)")
        }
    }

    /// The certificate of the processor's key (VCEK), DER.
    func endorsementKey() async throws(GuestError) -> [UInt8] {
        let answer = try await send(HTTPRequest(url: address + "/metadata/THIM/amd/certification"))
        guard let pem = answer["vcekCert"]?.stringValue, let certificate = Self.certificate(pem) else {
            throw GuestError(.evidence, "The metadata service gave no certificate of the processor.")
        }
        return certificate
    }

    /// The quote about a trust domain's report.
    func quote(_ report: [UInt8]) async throws(GuestError) -> [UInt8] {
        let body: JSONObject = ["report": .string(Base64.encodeURL(report))]
        let answer = try await send(
            HTTPRequest(method: "POST", url: address + "/acc/tdquote", body: body.serialized()))
        guard let text = answer["quote"]?.stringValue,
            let quote = try? Base64.decodeURL(String(text.reversed().drop { $0 == "=" }.reversed())), !quote.isEmpty
        else { throw GuestError(.evidence, "The metadata service gave no quote.") }
        return quote
    }

    private func send(_ request: HTTPRequest) async throws(GuestError) -> JSONObject {
        var request = request
        request.timeout = Self.timeout
        request.headers.append((name: "Metadata", value: "true"))
        if request.body != nil { request.headers.append((name: "Content-Type", value: "application/json")) }
        let response: HTTPResponse
        do throws(HTTPTransportError) {
            response = try await http.send(request)
        } catch {
            throw GuestError(
                .evidence,
                "Azure's metadata service cannot be reached; a pod needs its own route to it: \(error.message)")
        }
        guard response.status == 200, let object = try? JSONObject(parsing: response.body) else {
            throw GuestError(.evidence, "Azure's metadata service answered \(response.status).")
        }
        return object
    }

    /// The first certificate in a PEM text.
    static func certificate(_ pem: String) -> [UInt8]? {
        let lines = pem.split(whereSeparator: \.isNewline).map { $0.filter { $0 != " " && $0 != "\t" } }
        guard let start = lines.firstIndex(of: "-----BEGINCERTIFICATE-----"),
            let end = lines[start...].firstIndex(of: "-----ENDCERTIFICATE-----")
        else { return nil }
        guard let der = try? Base64.decode(lines[(start + 1)..<end].joined()), !der.isEmpty else { return nil }
        return der
    }
}
