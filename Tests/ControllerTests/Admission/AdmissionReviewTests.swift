import Encodings
import Foundation
import Testing

@testable import Controller

@Suite("Reviews of an API server")
struct AdmissionReviewTests {
    @Test("what is no review of admission.k8s.io/v1 is not answered")
    func malformed() throws {
        let good = Reviews.pod(["spec": ["containers": []]])
        #expect(try Reviews.request(good).operation == .create)
        var beta = good
        beta["apiVersion"] = "admission.k8s.io/v1beta1"
        #expect(throws: AdmissionReviewError.self) { try Reviews.request(beta) }
        var bodies: [[UInt8]] = [
            [], Array("null".utf8), Array("[]".utf8), Array("{\"kind\":\"AdmissionReview\"".utf8), [0xFF, 0xFE],
            Array((String(repeating: "[", count: 600) + String(repeating: "]", count: 600)).utf8),
            [UInt8](repeating: UInt8(ascii: " "), count: AdmissionRequest.limits.maximumBytes + 1),
            Array("{\"kind\":\"AdmissionReview\",\"kind\":\"AdmissionReview\"}".utf8),
        ]
        for member in ["uid", "operation", "kind", "resource"] {
            var review = good
            var request = try #require(good["request"]?.objectValue)
            request[member] = member == "operation" ? "PATCH" : nil
            review["request"] = .object(request)
            bodies.append(review.serialized())
        }
        for (member, value) in [
            ("object", JSONValue.array([])), ("namespace", 1), ("uid", .string(String(repeating: "u", count: 129))),
        ] {
            var review = good
            var request = try #require(good["request"]?.objectValue)
            request[member] = value
            review["request"] = .object(request)
            bodies.append(review.serialized())
        }
        for body in bodies { #expect(throws: AdmissionReviewError.self) { try AdmissionRequest(body) } }
    }

    @Test("the answer names the request, and its warnings fit into what the API takes")
    func answers() throws {
        let long = String(repeating: "ü", count: 300) + "\n\u{1B}[31m"
        let answer = AdmissionAnswer(
            warnings: [long, "second\r\nInjected: header"] + (0..<100).map { "\($0) " + long })
        let review = answer.review(uid: "u-1")
        #expect(review["apiVersion"] == "admission.k8s.io/v1" && review["kind"] == "AdmissionReview")
        #expect(review["response"]?["uid"] == "u-1" && review["response"]?["allowed"] == true)
        #expect(review["response"]?["patch"] == nil && review["response"]?["status"] == nil)
        let warnings = try #require(review["response"]?["warnings"]?.arrayValue).compactMap(\.stringValue)
        #expect(warnings.allSatisfy { $0.utf8.count <= 256 })
        #expect(warnings.reduce(0) { $0 + $1.utf8.count } <= 4_096)
        #expect(!warnings.contains { $0.contains("\n") || $0.contains("\r") || $0.contains("\u{1B}") })
        #expect(warnings.last?.contains("more warnings") == true)
    }

    @Test("a refusal has a status that clients understand, and never a patch")
    func refusals() {
        var answer = AdmissionAnswer.refused(
            422, "Invalid", "spec.x: wrong", causes: [.init(field: "spec.x", message: "wrong")])
        answer.patch = [["op": "remove", "path": "/spec"]]
        let response = answer.review(uid: "u")["response"]
        #expect(response?["allowed"] == false && response?["patch"] == nil)
        #expect(response?["status"]?["code"] == 422 && response?["status"]?["message"] == "spec.x: wrong")
        #expect(response?["status"]?["details"]?["causes"]?.arrayValue?.first?["field"] == "spec.x")
    }
}
