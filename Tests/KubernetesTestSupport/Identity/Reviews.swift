import Encodings
import Foundation

/// Requests whose answer is computed: tokens for service accounts, and reviews of tokens and access.
struct Reviews {
    let state: ClusterState
    let user: ClusterUser

    func reply(_ name: String, _ object: JSONObject) throws -> Reply {
        switch name {
        case "tokenreviews": return .json(201, tokenReview(object))
        case "selfsubjectaccessreviews": return .json(201, accessReview(object, of: user))
        case "subjectaccessreviews":
            let groups = (object["spec"]?["groups"]?.arrayValue ?? []).compactMap(\.stringValue)
            return .json(
                201,
                accessReview(object, of: ClusterUser(name: object["spec"]?["user"]?.stringValue ?? "", groups: groups)))
        default: throw APIStatus.noSuchPath
        }
    }

    private func tokenReview(_ review: JSONObject) -> JSONObject {
        var review = review
        let wanted = (review["spec"]?["audiences"]?.arrayValue ?? []).compactMap(\.stringValue)
        let token = review["spec"]?["token"]?.stringValue ?? ""
        if let (user, audiences) = state.user(ofToken: token, audiences: wanted.isEmpty ? [state.issuer] : wanted) {
            review["status"] = [
                "authenticated": true,
                "user": [
                    "username": .string(user.name), "uid": .string(user.uid),
                    "groups": .array(user.groups.map(JSONValue.string)),
                ],
                "audiences": .array(audiences.map(JSONValue.string)),
            ]
        } else {
            review["status"] = [
                "user": [:], "error": "[invalid bearer token, token audiences are invalid for the target]",
            ]
        }
        return review
    }

    private func accessReview(_ review: JSONObject, of user: ClusterUser) -> JSONObject {
        let wanted = review["spec"]?["resourceAttributes"]
        func text(_ name: String) -> String { wanted?[name]?.stringValue ?? "" }
        let access = AccessRequest(
            user: user, verb: text("verb"), group: text("group"), resource: text("resource"),
            subresource: text("subresource"), namespace: text("namespace"), name: text("name"))
        var review = review
        review["status"] = [
            "allowed": .bool(RoleRules(state: state).allows(access) && state.settings.denial(access) == nil)
        ]
        return review
    }

    /// The answer to a TokenRequest.
    func token(_ request: JSONObject, for account: JSONObject) throws -> Reply {
        let audiences = (request["spec"]?["audiences"]?.arrayValue ?? []).compactMap(\.stringValue)
        let lifetime = request["spec"]?["expirationSeconds"]?.intValue ?? 3600
        guard lifetime >= 600 else {
            var status = APIStatus(
                422, "Invalid",
                "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: \(lifetime): "
                    + "may not specify a duration less than 10 minutes")
            status.causes = [
                .init(
                    reason: "FieldValueInvalid", message: "may not specify a duration less than 10 minutes",
                    field: "spec.expirationSeconds")
            ]
            throw status
        }
        let (token, expiry) = try state.token(for: account, audiences: audiences, lifetime: lifetime)
        var answer = request
        answer["status"] = ["token": .string(token), "expirationTimestamp": .string(Timestamp.text(expiry))]
        return .json(201, answer)
    }
}
