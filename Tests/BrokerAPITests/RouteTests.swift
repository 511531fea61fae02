import BrokerTestSupport
import Encodings
import Foundation
import HTTPTypes
import Testing

@testable import BrokerAPI

@Suite("Routes")
struct RouteTests {
    /// A target that a route takes.
    private static func target(of route: Route) -> String {
        route.path.map { segment in
            switch segment {
            case .literal(let text): "/" + text
            case .parameter(let name): name == "kind" ? "/ReleasePolicy" : "/\(name)-1"
            case .rest: "/name"
            }
        }.joined()
    }

    @Test("A44: every route that changes or shows anything of the operator's refuses whoever is no administrator")
    func adminRoutes() async throws {
        let policies = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)
        try await RunningBroker.serve(policies: policies) { server in
            let (cookie, token) = try await server.attest(SampleGuest())
            let before = try await server.test.broker.policyList()
            let tester = try server.admin.token(role: "nobody")
            var walked = 0
            for route in RouteTable.routes where route.access == .admin {
                let target = Self.target(of: route)
                let method = route.method.rawValue
                for (bearer, status) in [(nil, 401), ("garbage", 401), (token, 401), (tester, 403)] {
                    let reply = try await server.send(method, target, cookie: cookie, bearer: bearer, body: [])
                    #expect(reply.status == status, "\(method) \(target)")
                    #expect(reply.errorType == "AdminAuthAccess", "\(method) \(target)")
                }
                walked += 1
            }
            #expect(walked == 46)
            #expect(try await server.test.broker.policyList() == before)
        }
    }

    @Test("A44: only what guests and probes need is open to them")
    func openRoutes() {
        let open = RouteTable.routes.filter { $0.access != .admin }.map {
            "\($0.method.rawValue) \(Self.target(of: $0))"
        }
        #expect(
            Set(open) == [
                "POST /kbs/v0/auth", "POST /kbs/v0/attest", "GET /kbs/v0/resource/repository-1/type-1/tag-1",
                "GET /.well-known/jwks.json", "GET /healthz", "GET /readyz", "GET /metrics",
                "GET /claviger/v1/sealing-keys",
            ])
        #expect(Set(RouteTable.routes.map(\.operation)) == Set(RouteOperation.allCases))
        #expect(RouteTable.routes.count == RouteOperation.allCases.count)
        for route in RouteTable.routes
        where route.method != .get && route.access != .limited && route.access != .challenged {
            #expect(route.access == .admin)
        }
    }

    @Test(
        "KBS 12.5.25: unknown plugins, paths and methods get the error object and an honest status",
        arguments: [
            ("GET", "/kbs/v0/nosuch/a", 404, "PluginNotFound"), ("GET", "/kbs/v0/", 404, "PluginNotFound"),
            ("POST", "/kbs/v0/pkcs11/wrap-key", 404, "PluginNotFound"), ("GET", "/", 404, "InvalidRequestPath"),
            ("GET", "/kbs/v0", 404, "InvalidRequestPath"), ("GET", "/KBS/v0/auth", 404, "InvalidRequestPath"),
            ("GET", "/kbs/v0/auth", 405, "MethodNotAllowed"),
            ("DELETE", "/kbs/v0/resource-policy", 405, "MethodNotAllowed"),
            ("PUT", "/kbs/v0/resource/a/b/c", 405, "MethodNotAllowed"), ("PATCH", "/metrics", 405, "MethodNotAllowed"),
            ("POST", "/healthz", 405, "MethodNotAllowed"), ("OPTIONS", "/kbs/v0/attest", 405, "MethodNotAllowed"),
        ])
    func unknown(_ method: String, _ target: String, _ status: Int, _ type: String) async throws {
        try await RunningBroker.serve { server in
            let reply = try await server.send(method, target)
            #expect(reply.status == status)
            #expect(reply.errorType == type)
            #expect(reply.header("content-type") == "application/json")
            #expect((reply.header("allow") != nil) == (status == 405))
        }
    }

    @Test("the plugin that was not found is named in the detail")
    func pluginName() async throws {
        try await RunningBroker.serve { server in
            let reply = try await server.send("GET", "/kbs/v0/vault/x")
            #expect(reply.detail == "Plugin vault not found")
        }
    }

    @Test("A37 and KBS 12.7.42: paths that are not exactly a resource's name are refused, never tidied up")
    func resourcePaths() async throws {
        let policies = TestPolicies.stream(TestPolicies.appraisal, TestPolicies.allowAll)
        let refused = [
            "a/b", "a/b/c/d", "a/b/c/", "/a//b/c", "a//b/c", "../b/c", "a/../c", "a/b/..", "a/./c", ".a/b/c", "a/.b/c",
            "a/b/.c", "a%2fb/c", "a/b%2Fc", "a/b/c%2fd", "%2e%2e/b/c", "a/b/%2e%2e", "a/b/c%00", "a/b/%c0%ae",
            "a/b/%41",
            "a/b/c;x", "a/b/c:1", "a/b/*", "a/b/c~", "a\\b/c/d", "a/b/\u{0441}", "a/b/c%20", "a/b/", "//a/b/c", "",
        ]
        let accepted = [
            "a/b/c", "default/1/2", "123--_default/1Abff-_/___-afds44BC", "1.ok/2ok./3...", "A/b/c", "/a/b/c",
        ]
        try await RunningBroker.serve(policies: policies) { server in
            let (cookie, _) = try await server.attest(SampleGuest())
            for path in ["a/b/c", "c/d/e", "b/c/d"] { try await server.test.put(path, "secret") }
            for path in refused {
                let read = try await server.send("GET", "/kbs/v0/resource/\(path)", cookie: cookie)
                #expect(read.status == 400, "\(path)")
                let write = try await server.administrate("POST", "/kbs/v0/resource/\(path)", body: [1])
                #expect(write.status == 400, "\(path)")
            }
            for path in accepted {
                let reply = try await server.administrate("POST", "/kbs/v0/resource/\(path)", body: [1])
                #expect(reply.status == 200, "\(path)")
                #expect(
                    try await server.send("GET", "/kbs/v0/resource/\(path)", cookie: cookie).status == 200, "\(path)")
            }
            let list = try await server.administrate("GET", "/claviger/v1/resources").json
            #expect(list?["resources"]?.arrayValue?.count == 3 + accepted.count - 2)
        }
    }

    @Test("A37: what a policy matches is what names the resource")
    func exactBytes() async throws {
        let policy = TestPolicies.allowAll.replacing("\"**\"", with: "\"team/keys/*\"")
        try await RunningBroker.serve(policies: TestPolicies.stream(TestPolicies.appraisal, policy)) { server in
            for path in ["team/keys/1", "Team/keys/1", "team2/keys/1"] { try await server.test.put(path, "secret") }
            let (cookie, _) = try await server.attest(SampleGuest())
            for (path, status) in [
                ("team/keys/1", 200), ("/team/keys/1", 200), ("Team/keys/1", 403), ("team2/keys/1", 403),
                ("team/Keys/1", 403), ("team/keys/../../team2", 400),
            ] {
                let reply = try await server.send("GET", "/kbs/v0/resource/\(path)", cookie: cookie)
                #expect(reply.status == status, "\(path)")
            }
        }
    }

    @Test("A38: a denied caller gets the same answer whether or not the resource exists, but for the decision's id")
    func noOracle() async throws {
        try await RunningBroker.serve(policies: TestPolicies.stream(TestPolicies.appraisal, TestPolicies.denyAll)) {
            server in
            try await server.test.put("a/b/there", "secret")
            let (cookie, _) = try await server.attest(SampleGuest())
            var seen: Set<String> = []
            for path in ["a/b/there", "a/b/gone"] {
                let reply = try await server.send("GET", "/kbs/v0/resource/\(path)", cookie: cookie)
                let id = try #require(reply.detail.split(separator: " ").last?.dropLast())
                let names = reply.headers.map(\.name).sorted().joined(separator: ",")
                seen.insert("\(reply.status) \(names) \(reply.text.replacing(id, with: "ID"))")
            }
            #expect(seen.count == 1)
            #expect(try await !server.send("GET", "/metrics").text.contains("a/b"))
        }
    }

    @Test("A39: writing grants no reading: an answer to a write has no body")
    func writeGrantsNoRead() async throws {
        try await RunningBroker.serve { server in
            for value in ["old-value", "new-value"] {
                let reply = try await server.administrate("POST", "/kbs/v0/resource/a/b/c", body: Array(value.utf8))
                #expect(reply.status == 200)
                #expect(reply.body.isEmpty)
            }
            let read = try await server.administrate("GET", "/kbs/v0/resource/a/b/c")
            #expect(read.status == 401)
        }
    }

    @Test("GC 9.H.75: queries reach policies as they were sent, and ambiguous ones are refused")
    func queries() async throws {
        let policy = TestPolicies.denyAll.replacing("1 == 2", with: "request.query.purpose == 'boot now'")
        try await RunningBroker.serve(policies: TestPolicies.stream(TestPolicies.appraisal, policy)) { server in
            try await server.test.put("a/b/c", "secret")
            let (cookie, _) = try await server.attest(SampleGuest())
            for (query, status) in [
                ("?purpose=boot+now", 200), ("?purpose=boot%20now", 200), ("?purpose=other", 403), ("", 403),
                ("?purpose=boot+now&purpose=other", 400), ("?purpose=%zz", 400), ("?purpose=%00", 400), ("?x=%ff", 400),
            ] {
                let reply = try await server.send("GET", "/kbs/v0/resource/a/b/c\(query)", cookie: cookie)
                #expect(reply.status == status, "\(query) \(reply.text)")
            }
        }
    }
}
