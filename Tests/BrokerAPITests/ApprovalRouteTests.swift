import Broker
import BrokerTestSupport
import Encodings
import Foundation
import Testing

@testable import BrokerAPI

@Suite("Approvals over HTTP")
struct ApprovalRouteTests {
    private static let policy = """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: two, namespace: a}
        spec:
          match: {resources: ["a/**"]}
          limits: {approvals: {required: 2, roles: [officer], validFor: 1h}}
        """
    private static let policies = TestPolicies.stream(TestPolicies.appraisal, policy)
    private static let body: [UInt8] = Array(#"{"resource":"a/b/c","reason":"deployment 7"}"#.utf8)

    private static func configure(_ configuration: inout BrokerConfiguration) {
        configuration.admin.accessList.append(
            AccessRuleConfiguration(
                role: "officer", allowedEndpoints: "^/claviger/v1/approvals$", methods: ["GET", "POST"]))
    }

    private static func officer(_ server: RunningBroker, _ subject: JSONValue) throws -> String {
        try server.admin.token(role: "officer", extra: ["sub": subject])
    }

    @Test("two officers approve, the guest gets 403 before and the secret after")
    func twoOfficers() async throws {
        try await RunningBroker.serve(policies: Self.policies, configure: Self.configure) { server in
            try await server.test.put("a/b/c", "secret")
            let (cookie, _) = try await server.attest(SampleGuest())
            let before = try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie)
            #expect(before.status == 403 && before.errorType == "PolicyDeny")
            #expect(before.detail.contains("code: approval_required"))
            for subject in ["alice", "bob"] {
                let bearer = try Self.officer(server, .string(subject))
                let reply = try await server.send("POST", "/claviger/v1/approvals", bearer: bearer, body: Self.body)
                #expect(reply.status == 200, "\(reply.text)")
                #expect(reply.json?["approvedBy"] == .string("\(subject)@issuer"))
                #expect(reply.json?["reason"] == "deployment 7" && reply.json?["state"] == "standing")
            }
            #expect(try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie).status == 200)
            #expect(try await server.send("GET", "/kbs/v0/resource/a/b/c", cookie: cookie).status == 403)
        }
    }

    @Test("the person is whom the token names, whatever the body says, and must be named")
    func person() async throws {
        try await RunningBroker.serve(policies: Self.policies, configure: Self.configure) { server in
            let target = "/claviger/v1/approvals"
            let alice = try Self.officer(server, "alice")
            let forged = Array(#"{"resource":"a/b/c","subject":"bob","approvedBy":"bob@issuer"}"#.utf8)
            #expect(try await server.send("POST", target, bearer: alice, body: forged).status == 400)
            for nobody: JSONValue in ["unnamed", "", .null] {
                let bearer = try Self.officer(server, nobody)
                let reply = try await server.send("POST", target, bearer: bearer, body: Self.body)
                #expect(reply.status == 403 || reply.status == 401, "\(nobody)")
            }
            #expect(try await server.administrate("POST", target, body: Self.body).status == 403)
            #expect(try await server.send("POST", target, bearer: alice, body: Self.body).status == 200)
            #expect(try await server.send("POST", target, bearer: alice, body: Self.body).status == 409)
            let list = try await server.send("GET", target + "?standing=true", bearer: alice)
            #expect(list.status == 403 || list.json?["approvals"]?.arrayValue?.count == 1)
        }
    }

    @Test("an approval for a digest of the policy is answered with 409 when the policy has another one")
    func policyDigest() async throws {
        try await RunningBroker.serve(policies: Self.policies, configure: Self.configure) { server in
            let alice = try Self.officer(server, "alice")
            func approve(_ digest: String) async throws -> Int {
                let body = Array(#"{"resource":"a/b/c","policyDigest":"\#(digest)"}"#.utf8)
                return try await server.send("POST", "/claviger/v1/approvals", bearer: alice, body: body).status
            }
            #expect(try await approve("00") == 409)
            let policy = try await server.administrate("GET", "/claviger/v1/policies/ReleasePolicy/a/two")
            #expect(try await approve(try #require(policy.json?["digest"]?.stringValue)) == 200)
        }
    }

    @Test("a reset of what was counted must name policy, instance and reason, and a bad resource is not all of them")
    func resettingLimits() async throws {
        try await RunningBroker.serve(policies: Self.policies, configure: Self.configure) { server in
            let instance = String(repeating: "0", count: 64)
            let whole = #""policy":"ReleasePolicy/a/two","instance":"\#(instance)""#
            let cases = [
                (#"{\#(whole)}"#, 400), (#"{\#(whole),"reason":"r","resource":"a"}"#, 400),
                (#"{\#(whole),"reason":"r","all":"true"}"#, 400), (#"{\#(whole),"reason":"r"}"#, 404),
            ]
            let target = "/claviger/v1/limits/reset"
            for (body, status) in cases {
                #expect(try await server.administrate("POST", target, body: Array(body.utf8)).status == status)
            }
            let officer = try Self.officer(server, "alice")
            #expect(try await server.send("POST", target, bearer: officer, body: Array(cases[3].0.utf8)).status == 403)
        }
    }

    @Test("an officer may not take approvals back unless his role may; an administrator may")
    func revoking() async throws {
        try await RunningBroker.serve(policies: Self.policies, configure: Self.configure) { server in
            let alice = try Self.officer(server, "alice")
            let given = try await server.send("POST", "/claviger/v1/approvals", bearer: alice, body: Self.body)
            let id = try #require(given.json?["id"]?.stringValue)
            let target = "/claviger/v1/approvals/\(id)"
            #expect(try await server.send("DELETE", target, bearer: alice).status == 403)
            #expect(try await server.administrate("DELETE", target).status == 200)
            #expect(try await server.administrate("DELETE", target).status == 404)
            let list = try await server.administrate("GET", "/claviger/v1/approvals?path=a%2Fb%2Fc")
            #expect(list.json?["approvals"]?.arrayValue?.map { $0["state"] } == ["revoked"])
            #expect(list.json?["approvals"]?.arrayValue?.first?["revokedBy"] == "test@issuer (admin)")
        }
    }
}
