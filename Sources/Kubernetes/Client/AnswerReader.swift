import Encodings
import HTTPTransport

/// Reads the bodies of answers.
enum AnswerReader {
    /// A page has many objects; of one that has more values than this fewer objects are asked for. A single object, which etcd
    /// holds to 1.5 MiB, cannot have as many.
    private static let limits = JSONLimits(
        maximumBytes: 256 * 1_048_576, maximumDepth: ObjectReader.maximumDepth, maximumValues: 1_000_000)
    /// Enough for any Status; whatever is longer is none.
    private static let maximumFailureBytes = 1_048_576

    /// Throws what an answer without success says.
    static func refuseFailure(_ response: HTTPResponse) throws(KubernetesError) {
        guard (200..<300).contains(response.status) else { throw KubernetesError(response) }
    }

    /// The JSON of an answer with success.
    static func json(_ response: HTTPResponse) throws(KubernetesError) -> JSONObject {
        try refuseFailure(response)
        do throws(JSONError) {
            return try JSONObject(parsing: response.body, limits: limits)
        } catch {
            throw refusal(error)
        }
    }

    /// The page of an answer with success.
    static func page(
        _ response: HTTPResponse, of resource: APIResource, metadataOnly: Bool
    ) throws(KubernetesError) -> ObjectList {
        try refuseFailure(response)
        let page: (json: JSONObject, cut: Set<Int>)
        do throws(JSONError) {
            page = try ObjectReader.page(response.body, limits)
        } catch {
            throw refusal(error)
        }
        return try ObjectList(page.json, of: resource, metadataOnly: metadataOnly, cut: page.cut)
    }

    private static func refusal(_ error: JSONError) -> KubernetesError {
        let message = "The server's answer is no JSON object that can be read: \(error)"
        return error.code == "too_many_values" ? KubernetesError(.tooLarge, message: message) : .malformed(message)
    }

    /// The object of an answer with success.
    static func object(_ response: HTTPResponse) throws(KubernetesError) -> KubernetesObject {
        try refuseFailure(response)
        let answer: (json: JSONObject, isCut: Bool)
        do throws(JSONError) {
            answer = try ObjectReader.object(response.body, maximumBytes: limits.maximumBytes)
        } catch {
            throw refusal(error)
        }
        let object = KubernetesObject(json: answer.json, isCut: answer.isCut)
        guard object.apiVersion != nil, let kind = object.kind, kind != "Status", !object.name.isEmpty else {
            throw .malformed("The server's answer is no object with a name.")
        }
        return object
    }

    /// What a watch that was not accepted says.
    static func failure(_ response: HTTPStreamedResponse) async -> KubernetesError {
        let body: [UInt8]
        do throws(HTTPTransportError) {
            body = try await response.body.collect(upTo: maximumFailureBytes)
        } catch {
            body = []
        }
        guard !Task.isCancelled else { return KubernetesError(.cancelled, message: "The watch was cancelled.") }
        return KubernetesError(
            HTTPResponse(status: response.head.status, headers: response.head.headers, body: body))
    }
}

extension ObjectList {
    /// Reads a page. Items of built-in kinds come without apiVersion and kind, which are those of the resource.
    ///
    /// - Parameter cut: which items are not whole.
    init(
        _ json: JSONObject, of resource: APIResource, metadataOnly: Bool, cut: Set<Int>
    ) throws(KubernetesError) {
        let kind = metadataOnly ? "PartialObjectMetadata" : resource.kind
        let apiVersion = metadataOnly ? "meta.k8s.io/v1" : resource.apiVersion
        guard json["kind"]?.stringValue == "\(kind)List", let metadata = json["metadata"]?.objectValue,
            let version = metadata["resourceVersion"]?.stringValue, !version.isEmpty
        else { throw .malformed("The server's answer is no list of \(kind) with a resourceVersion.") }
        var items: [KubernetesObject] = []
        // A list without items comes with null from some servers.
        for (number, element) in (json["items"]?.arrayValue ?? []).enumerated() {
            guard var object = element.objectValue else { throw .malformed("An item of the list is no object.") }
            if object["apiVersion"] == nil { object["apiVersion"] = .string(apiVersion) }
            if object["kind"] == nil { object["kind"] = .string(kind) }
            let item = KubernetesObject(json: object, isCut: cut.contains(number))
            guard item.kind == kind, !item.name.isEmpty else { throw .malformed("An item of the list is no \(kind).") }
            items.append(item)
        }
        let token = metadata["continue"]?.stringValue
        self.init(
            items: items, resourceVersion: version, continueToken: token?.isEmpty == true ? nil : token,
            remainingItemCount: metadata["remainingItemCount"]?.intValue)
    }
}

extension ServerVersion {
    /// Reads the answer of `/version`; providers append signs to the numbers.
    init(_ json: JSONObject) throws(KubernetesError) {
        func number(_ member: String) -> Int? {
            Int((json[member]?.stringValue ?? "").prefix { $0.isASCII && $0.isNumber })
        }
        guard let major = number("major"), let minor = number("minor") else {
            throw .malformed("The server does not tell its version.")
        }
        self.init(major: major, minor: minor)
    }
}
