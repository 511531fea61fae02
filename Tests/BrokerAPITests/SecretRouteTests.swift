import Broker
import BrokerTestSupport
import Encodings
import Foundation
import Testing

@testable import BrokerAPI

@Suite("Routes about brokered secrets")
struct SecretRouteTests {
    private static let path = "/claviger/v1/sources/cluster-a/secrets/payments/db"

    private static func body(_ members: JSONObject = [:]) -> [UInt8] {
        var body: JSONObject = [
            "fence": 1, "uid": "u", "generation": 1,
            "spec": ["path": ["type": "db", "tag": "password"], "secretRef": ["name": "s", "key": "k"]],
            "value": .string(Base64.encode(Array("hunter2".utf8))),
        ]
        for (name, value) in members { body[name] = value == .null ? nil : value }
        return body.serialized()
    }

    @Test("A48: the controller's role writes secrets and never reads one, and no answer holds a value")
    func controller() async throws {
        let configure: @Sendable (inout BrokerConfiguration) -> Void = { configuration in
            configuration.admin.accessList.append(
                AccessRuleConfiguration(
                    role: "controller", allowedEndpoints: "^/claviger/v1/sources/cluster-a/.+$",
                    methods: ["PUT", "DELETE"]))
        }
        let policies = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)
        try await RunningBroker.serve(policies: policies, configure: configure) { server in
            let token = try server.admin.token(role: "controller")
            let put = try await server.send("PUT", Self.path, bearer: token, body: Self.body())
            #expect(put.status == 200 && put.json?["uri"] == "kbs:///payments/db/password")
            #expect(!String(decoding: put.body, as: UTF8.self).contains("hunter2"))
            for target in [
                "/kbs/v0/resource/payments/db/password", "/claviger/v1/resources/payments/db/password/versions",
                "/claviger/v1/resources", Self.path, "/claviger/v1/sources/cluster-a/secrets",
                "/claviger/v1/sources/cluster-b/secrets/payments/db",
            ] {
                let reply = try await server.send("GET", target, bearer: token)
                #expect([401, 403, 405].contains(reply.status), "\(target): \(reply.status)")
            }
            let stranger = Self.path.replacingOccurrences(of: "cluster-a", with: "cluster-b")
            #expect(try await server.send("PUT", stranger, bearer: token, body: Self.body()).status == 403)
            let written = try await server.send(
                "POST", "/kbs/v0/resource/payments/db/password", bearer: token, body: [1])
            #expect(written.status == 403)
            let fenced = try await server.send("DELETE", "\(Self.path)?fence=0&uid=u", bearer: token)
            #expect(fenced.status == 409 && fenced.errorType == "Fenced")
            let gone = try await server.send(
                "DELETE", "\(Self.path)?fence=1&uid=u&deletionPolicy=Delete", bearer: token)
            #expect(gone.status == 200 && gone.json?["destroyed"] == true)
        }
    }

    @Test("of two requests of a leader the one that was sent first is refused when it comes last")
    func sequence() async throws {
        try await RunningBroker.serve { server in
            #expect(try await server.administrate("PUT", Self.path, body: Self.body(["sequence": 5])).status == 200)
            let late = try await server.administrate("PUT", Self.path, body: Self.body(["sequence": 4]))
            #expect(late.status == 409 && String(decoding: late.body, as: UTF8.self).contains("overtaken"))
            let gone = try await server.administrate("DELETE", "\(Self.path)?fence=1&uid=u&sequence=6")
            #expect(gone.json?["removed"] == true)
            #expect(try await server.administrate("PUT", Self.path, body: Self.body(["sequence": 5])).status == 409)
        }
    }

    @Test(
        "an administrator finds the secrets of a cluster that is gone by their list, without values, and lets go of them"
    )
    func abandoned() async throws {
        try await RunningBroker.serve { server in
            #expect(try await server.administrate("PUT", Self.path, body: Self.body()).status == 200)
            #expect(try await server.administrate("DELETE", "/claviger/v1/sources/cluster-a").status < 300)
            let list = try await server.administrate("GET", "/claviger/v1/sources/cluster-a/secrets")
            let secret = try #require(list.json?["secrets"]?.arrayValue?.first)
            #expect(list.json?["isComplete"] == true && secret["uri"] == "kbs:///payments/db/password")
            #expect(!String(decoding: list.body, as: UTF8.self).contains("hunter2"))
            let uid = try #require(secret["uid"]?.stringValue)
            let gone = try await server.administrate("DELETE", "\(Self.path)?fence=0&uid=\(uid)")
            #expect(gone.json?["removed"] == true && gone.json?["destroyed"] == false)
            let left = try await server.administrate("GET", "/claviger/v1/sources/cluster-a/secrets")
            #expect(left.json?["secrets"] == [])
        }
    }

    @Test("what cannot be read is refused, and says why")
    func malformed() async throws {
        try await RunningBroker.serve { server in
            let bodies: [[UInt8]] = [
                [], Array("[]".utf8), Self.body(["fence": .null]), Self.body(["fence": "1"]),
                Self.body(["uid": .null]), Self.body(["spec": .null]), Self.body(["spec": "x"]),
                Self.body(["value": "not base64!"]), Self.body(["value": 1]), Self.body(["stranger": 1]),
                Self.body(["generation": -1]), Self.body(["sequence": -1]), Self.body(["fence": -1]),
                Self.body(["uid": ""]),
            ]
            for body in bodies {
                let reply = try await server.administrate("PUT", Self.path, body: body)
                #expect(reply.status == 400, "\(String(decoding: body, as: UTF8.self))")
            }
            for query in [
                "", "?fence=1", "?uid=u", "?fence=x&uid=u", "?fence=1&uid=u&deletionPolicy=Burn",
                "?fence=1&uid=u&sequence=x",
            ] {
                #expect(try await server.administrate("DELETE", Self.path + query).status == 400, "\(query)")
            }
            #expect(try await server.administrate("DELETE", "\(Self.path)?fence=1&uid=u").status == 200)
        }
    }

    @Test("the sealing keys are for everybody, and only public")
    func sealingKeys() async throws {
        try await RunningBroker.serve { server in
            let reply = try await server.send("GET", "/claviger/v1/sealing-keys")
            let keys = try #require(reply.json?["keys"]?.arrayValue)
            #expect(reply.status == 200 && keys.count == 1)
            #expect(keys[0]["crv"] == "P-256" && keys[0]["d"] == nil && keys[0]["use"] == "enc")
            let rotated = try await server.administrate("POST", "/claviger/v1/sealing-keys/rotate")
            #expect(rotated.json?["keys"]?.arrayValue?.count == 2)
            #expect(rotated.json?["keys"]?.arrayValue?.first != keys[0])
        }
    }
}
