import BrokerTestSupport
import Encodings
import Foundation
import Storage
import Testing

@testable import BrokerAPI

@Suite("Routes about machines")
struct PlatformRouteTests {
    @Test("A15: machines are listed page by page and forgotten over HTTP, and the ledger names the administrator")
    func routes() async throws {
        try await RunningBroker.serve { server in
            let store = server.test.store
            let platforms = PlatformRepository(store.database, keys: store.keys)
            let ids = (1...3 as ClosedRange<UInt8>).map { [UInt8](repeating: $0, count: 32) }
            for id in ids {
                _ = try await platforms.observe(
                    PlatformSighting(id: id, maker: "amd", levels: ["reported_tcb_snp": 22], about: [:]))
            }
            let path = "/claviger/v1/platforms"
            let first = try await server.administrate("GET", "\(path)?limit=2")
            #expect(first.status == 200 && first.json?["more"] == true)
            let listed = try #require(first.json?["platforms"]?.arrayValue)
            #expect(listed.map { $0["id"]?.stringValue } == ids.prefix(2).map { Hex.encode($0) as String? })
            #expect(listed.first?["levels"] == ["reported_tcb_snp": 22] && listed.first?["authentic"] == true)
            let rest = try await server.administrate("GET", "\(path)?after=\(Hex.encode(ids[1]))")
            #expect(rest.json?["platforms"]?.arrayValue?.count == 1 && rest.json?["more"] == false)
            for query in ["after=zz", "limit=0", "limit=1001", "limit=x"] {
                #expect(try await server.administrate("GET", "\(path)?\(query)").status == 400, "\(query)")
            }
            let known = Hex.encode(ids[0])
            let bodies: [(JSONObject, Int)] = [
                (["platform": .string(known)], 400), (["reason": "r"], 400), (["platform": 1, "reason": "r"], 400),
                (["platform": .string(known), "reason": "r", "x": "y"], 400),
                (["platform": .string(known), "reason": ""], 400),
                (["platform": .string(String(repeating: "0", count: 64)), "reason": "r"], 404),
                (["platform": .string(known), "reason": "rolled back by us"], 200),
                (["platform": .string(known), "reason": "again"], 404),
            ]
            for (body, status) in bodies {
                let reply = try await server.administrate("POST", "\(path)/forget", body: body.serialized())
                #expect(reply.status == status, "\(body)")
            }
            let records = try await DecisionRepository(store.database).list()
            #expect(records.map(\.code) == ["platform_forgotten"])
            #expect(records.first?.reason.contains("rolled back by us") == true)
        }
    }
}
