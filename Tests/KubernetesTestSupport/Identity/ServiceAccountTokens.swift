import Encodings
import Foundation
import JOSE

/// A key that service-account tokens are signed with.
struct TokenKey: Sendable {
    let id: String
    let key: SigningKey

    static func generate() throws -> TokenKey {
        let key = try SigningKey.generate(.es256)
        return TokenKey(id: key.verificationKey.thumbprint, key: key)
    }

    var jwk: JSONValue {
        var jwk = key.publicJWK
        jwk["kid"] = .string(id)
        jwk["use"] = "sig"
        return .object(jwk)
    }
}

extension ClusterState {
    var issuer: String { settings.issuer ?? baseURL }

    /// A token that speaks for a service account.
    func token(
        for account: JSONObject, audiences: [String], lifetime: Int64
    ) throws -> (token: String, expiry: Date) {
        guard let key = tokenKeys.last else { throw APIStatus(500, "InternalError", "there is no key for tokens") }
        // No API server has an empty one; a token of it would be worth nothing as soon as the address is known.
        guard !issuer.isEmpty else { throw APIStatus(500, "InternalError", "the server has no address yet") }
        let now = Int64(now.timeIntervalSince1970)
        let claims: JSONObject = [
            "aud": .array((audiences.isEmpty ? [issuer] : audiences).map(JSONValue.string)),
            "exp": .int(now + lifetime), "iat": .int(now), "iss": .string(issuer), "jti": .string(newUID()),
            "kubernetes.io": [
                "namespace": .string(account.namespace),
                "serviceaccount": ["name": .string(account.name), "uid": .string(account.uid)],
            ],
            "nbf": .int(now),
            "sub": .string("system:serviceaccount:\(account.namespace):\(account.name)"),
        ]
        let header: JSONObject = ["alg": "ES256", "kid": .string(key.id)]
        let token = try JWS.sign(header: header, payload: claims.serialized(), with: key.key)
        return (token, Date(timeIntervalSince1970: TimeInterval(now + lifetime)))
    }

    /// Who a bearer token speaks for; nil when it is worth nothing, now and to these audiences.
    func user(ofToken token: String, audiences: [String]) -> (user: ClusterUser, audiences: [String])? {
        if let user = users[token] { return (user, [issuer]) }
        guard let jws = try? JWS(compact: token), let id = jws.header["kid"]?.stringValue,
            let key = tokenKeys.first(where: { $0.id == id }),
            let payload = try? jws.verify(with: key.key.verificationKey),
            let claims = try? JWTClaims(payload: payload), claims.issuer == issuer,
            let expiry = claims.expiresAt, Double(expiry) > now.timeIntervalSince1970,
            let accepted = try? claims.audiences().filter(audiences.contains), !accepted.isEmpty
        else { return nil }
        let bound = claims.object["kubernetes.io"]
        let namespace = bound?["namespace"]?.stringValue ?? ""
        let name = bound?["serviceaccount"]?["name"]?.stringValue ?? ""
        let uid = bound?["serviceaccount"]?["uid"]?.stringValue ?? ""
        let account = object(BuiltInKinds.serviceAccounts, ObjectKey(namespace: namespace, name: name))
        guard account?.json.uid == uid else { return nil }
        let groups = ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"]
        return (
            ClusterUser(name: "system:serviceaccount:\(namespace):\(name)", uid: uid, groups: groups), accepted
        )
    }

    func newUID() -> String { UUID().uuidString.lowercased() }
}
