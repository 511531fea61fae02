import Encodings
import Foundation
import HTTPTransport

/// One question to a webhook; equal ones are asked once in the course of a write.
struct WebhookCall: Sendable, Hashable {
    let webhook: String
    let url: String
    let authority: String?
    let seconds: Int64
    /// The `request` of the review, without its uid.
    let request: JSONObject

    /// Asks.
    func answer() async -> WebhookAnswer {
        let uid = UUID().uuidString.lowercased()
        var request: JSONObject = ["uid": .string(uid)]
        for (name, value) in self.request { request[name] = value }
        let review: JSONObject = [
            "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": .object(request),
        ]
        do {
            let client = try HTTPClient(
                configuration: .init(
                    trustAnchorsPEM: authority, systemTrust: authority == nil, userAgent: "kube-apiserver-admission"))
            let separator = url.contains("?") ? "&" : "?"
            let response = try await client.send(
                HTTPRequest(
                    method: "POST", url: "\(url)\(separator)timeout=\(seconds)s",
                    headers: [("Content-Type", "application/json"), ("Accept", "application/json, */*")],
                    body: review.serialized(), timeout: .seconds(seconds)))
            guard response.status == 200 else {
                return .failed("the server answered with status \(response.status)")
            }
            return WebhookAnswer(try JSONObject(parsing: response.body), uid: uid)
        } catch {
            return .failed("Post \"\(url)?timeout=\(seconds)s\": \(error)")
        }
    }
}

/// What a webhook said.
enum WebhookAnswer: Sendable {
    case allowed(patch: [JSONValue], warnings: [String])
    case denied(APIStatus, warnings: [String])
    case failed(String)

    init(_ review: JSONObject, uid: String) {
        guard review["kind"] == "AdmissionReview", review["apiVersion"] == "admission.k8s.io/v1" else {
            self = .failed("received invalid webhook response: expected webhook response of admission.k8s.io/v1")
            return
        }
        let response = review["response"]
        guard response?["uid"]?.stringValue == uid else {
            self = .failed("received invalid webhook response: expected response.uid=\"\(uid)\"")
            return
        }
        let warnings = (response?["warnings"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard response?["allowed"]?.boolValue == true else {
            self = .denied(Self.status(response?["status"]), warnings: warnings)
            return
        }
        guard let text = response?["patch"]?.stringValue else {
            self = .allowed(patch: [], warnings: warnings)
            return
        }
        guard response?["patchType"]?.stringValue == "JSONPatch", let bytes = try? Base64.decode(text),
            let patch = try? JSONValue(parsing: bytes).arrayValue
        else {
            self = .failed("received invalid webhook response: the patch is no JSONPatch in base64")
            return
        }
        self = .allowed(patch: patch, warnings: warnings)
    }

    /// The refusal in the webhook's words; what says of itself that it is none becomes 400.
    private static func status(_ given: JSONValue?) -> APIStatus {
        APIStatus(
            max(400, Int(given?["code"]?.intValue ?? 0)), given?["reason"]?.stringValue ?? "",
            given?["message"]?.stringValue ?? "")
    }
}
