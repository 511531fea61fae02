import Broker
import BrokerTestSupport
import Encodings
import Foundation
import TestPrograms
import Testing

private let program = BuiltProgram("claviger")

@Suite("Collateral over HTTP", .timeLimit(.minutes(5)))
struct CollateralRouteTests {
    private func serve(
        _ body: @Sendable (RunningBroker, TestCollateral) async throws -> Void
    ) async throws {
        let collateral = try TestCollateral()
        try await RunningBroker.serve(inspectors: [CredulousInspector()], configure: collateral.configure) {
            server async throws in
            try await body(server, collateral)
        }
    }

    @Test("failures have honest statuses")
    func statuses() async throws {
        try await serve { server, _ in
            func post(_ route: String, _ body: String) async throws -> Int {
                try await server.administrate("POST", "/claviger/v1/collateral/\(route)", body: Array(body.utf8)).status
            }
            #expect(try await post("fetch", #"{"name": "\#(TestCollateral.name)"}"#) == 200)
            #expect(try await post("fetch", #"{"name": "intel/crl/root"}"#) == 404)
            #expect(try await post("fetch", #"{"name": "amd/crl/milan/vcek"}"#) == 503)
            #expect(try await post("fetch", #"{"name": "/"}"#) == 400)
            #expect(try await post("fetch", #"{"name": "intel/crl/root", "force": true}"#) == 400)
            #expect(try await post("import", "{}") == 400)
            let page = try await server.administrate("GET", "/claviger/v1/collateral?prefix=intel/&limit=1")
            #expect(page.status == 200)
            #expect(page.json?["items"]?.arrayValue?.count == 1)
            #expect(try await server.administrate("GET", "/claviger/v1/collateral?limit=0").status == 400)
        }
    }

    @Test(
        "claviger collateral fetches, shows, exports and imports",
        .enabled(if: program != nil, "claviger is not built beside the tests"))
    func commandLine() async throws {
        try await serve { server, collateral in
            let token = server.admin.folder.appending(path: "token")
            try server.admin.token().write(to: token, atomically: true, encoding: .utf8)
            func run(_ arguments: String...) async throws -> (status: Int32, output: String, errors: String) {
                let ended = try await #require(program).run(
                    ["collateral"] + arguments
                        + ["--url", "http://127.0.0.1:\(server.port)", "--token-file", token.path],
                    environment: ["CLAVIGER_HOME": server.admin.folder.path + "/none"])
                return (await ended.status(), ended.outputText, ended.errorText)
            }
            #expect(try await run("fetch", "intel/crl/root").status == 3)
            #expect(try await run("fetch", TestCollateral.name).status == 0)
            let status = try await run("status")
            #expect(status.status == 0)
            #expect(status.output.contains(TestCollateral.name) && status.output.contains("current"))
            let bundle = collateral.path("bundle.json")
            #expect(try await run("export", "--key", collateral.path("signer.pem"), "-o", bundle).status == 0)
            let taken = try await run("import", bundle)
            #expect(taken.status == 0 && taken.output.contains("kept"), "\(taken.errors)")
            // What Intel's tool wrote is signed on the way.
            try collateral.write(sequence: 2)
            let file = collateral.path("collaterals.json")
            #expect(try await run("import", "--pcs-file", file, "--key", collateral.path("signer.pem")).status == 0)
            try collateral.write(sequence: 1)
            let refused = try await run("import", "--pcs-file", file, "--key", collateral.path("signer.pem"))
            #expect(refused.status == 1 && refused.output.contains("collateral_rollback"))
            #expect(try await run("import", "--pcs-file", file).status == 64)
            try server.test.store.keys.currentKeyID.write(
                toFile: collateral.path("broken"), atomically: true, encoding: .utf8)
            #expect(try await run("import", collateral.path("broken")).status == 1)
        }
    }
}
