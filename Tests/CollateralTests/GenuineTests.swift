import Collateral
import Encodings
import Foundation
import RATS
import Testing
import Verification

@Suite("Genuine collateral and the inspectors of the verifiers", .timeLimit(.minutes(5)))
struct GenuineTests {
    private static let chip =
        "c38427a30d4c7af9d96f7a15b97269825a64cb76a2352ffd5d18115d89ad473f8e8c0bcd9a5d9286612bad4aadfb4426205a3b9e4fea82301135a170e477524e"
    private static let levels = "bl3_tee0_snp8_ucode115"

    private func cache(_ answer: CollateralItem) async throws -> TestCache {
        let clock = TurnedClock()
        return try await TestCache.make(
            [ScriptedOrigin(.success(answer))],
            inspectors: [SNPCollateralInspector(), IntelCollateralInspector()], clock: clock)
    }

    @Test("what AMD and Intel served is believed under its name")
    func believed() async throws {
        let items: [(String, CollateralItem)] = [
            ("amd/vcek/milan/\(Self.chip)/\(Self.levels)", try Recorded.item("snp/milan-vcek.der")),
            ("amd/vcek/turin/0910b4f884ff4ba9/fmc1_bl3_tee2_snp5_ucode97", try Recorded.item("snp/turin-vcek.der")),
            ("amd/crl/milan/vcek", try Recorded.item("snp/milan.crl")),
            (Recorded.tcb.path, try Recorded.item("tdx/tcb_info.json", chain: "tdx/tcb_signing_chain.pem")),
            (Recorded.identity.path, try Recorded.item("tdx/qe_identity.json", chain: "tdx/qe_identity_chain.pem")),
            (Recorded.platformList.path, try Recorded.item("tdx/pck_crl.der", chain: "tdx/pck_crl_chain.pem")),
            ("intel/crl/root", try Recorded.item("tdx/root_ca_crl.der")),
        ]
        for (path, item) in items {
            let name = try #require(CollateralName(path))
            let test = try await cache(item)
            #expect(try await test.cache.item(name) == item, "\(path)")
        }
    }

    @Test(
        "the same bytes under another chip, other levels, another product, platform, enclave or authority are refused")
    func otherNames() async throws {
        let vcek = try Recorded.item("snp/milan-vcek.der")
        let tcb = try Recorded.item("tdx/tcb_info.json", chain: "tdx/tcb_signing_chain.pem")
        let identity = try Recorded.item("tdx/qe_identity.json", chain: "tdx/qe_identity_chain.pem")
        let list = try Recorded.item("tdx/pck_crl.der", chain: "tdx/pck_crl_chain.pem")
        for (path, item) in [
            ("amd/vcek/milan/\(String(repeating: "00", count: 64))/\(Self.levels)", vcek),
            ("amd/vcek/milan/\(Self.chip)/bl4_tee0_snp8_ucode115", vcek),
            ("amd/vcek/genoa/\(Self.chip)/\(Self.levels)", vcek),
            ("amd/crl/genoa/vcek", try Recorded.item("snp/milan.crl")),
            ("intel/tcb/tdx/00806f050000/standard", tcb), ("intel/tcb/sgx/90c06f000000/standard", tcb),
            ("intel/qe/sgx/standard", identity), ("intel/crl/processor", list), ("intel/crl/root", list),
        ] {
            let test = try await cache(item)
            #expect(await test.code(try #require(CollateralName(path))) != nil, "\(path)")
        }
    }

    @Test("an item with one changed bit is refused")
    func changed() throws {
        let whole = try Recorded.item("tdx/tcb_info.json", chain: "tdx/tcb_signing_chain.pem")
        let inspector = IntelCollateralInspector()
        _ = try inspector.inspect(whole, named: Recorded.tcb)
        for position in stride(from: 0, to: whole.body.count, by: 97) {
            var body = whole.body
            body[position] ^= 1
            #expect(throws: CollateralError.self, "byte \(position)") {
                try inspector.inspect(
                    CollateralItem(body: body, issuerChain: whole.issuerChain), named: Recorded.tcb)
            }
        }
    }
}
