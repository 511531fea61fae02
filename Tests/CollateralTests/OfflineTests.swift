import Collateral
import Encodings
import Foundation
import RATS
import Testing

@Suite("Collateral in files")
struct OfflineTests {
    private func folder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "claviger-collateral-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.path
    }

    private func write(_ bytes: [UInt8], _ path: String) throws {
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    @Test("a folder as Trustee keeps it answers for exactly the levels, or with the chip's only certificate")
    func store() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (milan, turin) = (try Recorded.bytes("snp/milan-vcek.der"), try Recorded.bytes("snp/turin-vcek.der"))
        try write(milan, "\(folder)/vcek/\(Recorded.chip)/bl03_tee00_snp08_ucode115_vcek.der")
        try write(turin, "\(folder)/vcek/0910b4f884ff4ba9/bl03_tee02_snp05_ucode97_fmc01_vcek.der")
        try write(milan, "\(folder)/vcek/00/vcek.der")
        let origin = AMDOfflineStore(folder: folder)
        #expect(try await origin.item(Recorded.vcek).body == milan)
        let turinName = try #require(
            CollateralName("amd/vcek/turin/0910b4f884ff4ba9/fmc1_bl3_tee2_snp5_ucode97"))
        #expect(try await origin.item(turinName).body == turin)
        let only = try #require(CollateralName("amd/vcek/milan/00/bl1"))
        #expect(try await origin.item(only).body == milan)
        let other = try #require(CollateralName("amd/vcek/milan/\(Recorded.chip)/bl4_tee0_snp8_ucode115"))
        let failure = await #expect(throws: CollateralFetchFailure.self) { try await origin.item(other) }
        #expect(failure?.kind == .unknown)
        // For an import the product is read from the certificate, and what does not name its levels is passed over.
        let everything = try origin.everything()
        #expect(Set(everything.items.keys) == [Recorded.vcek, turinName])
        #expect(everything.skipped == ["vcek/00/vcek.der"])
    }

    @Test("a name cannot lead out of the folder")
    func traversal() throws {
        let origin = AMDOfflineStore(folder: "/nowhere")
        for path in ["amd/vcek/milan/..-/bl1", "amd/vcek/milan/.x/bl1", "amd/vcek/milan/00/..x", "amd/crl/milan/vcek"] {
            #expect(try !origin.provides(#require(CollateralName(path))))
        }
    }

    /// A file as Intel's tool writes it: levels as JSON, identities as texts, lists as hexadecimal digits.
    private func file(pretty: Bool) throws -> [UInt8] {
        let list = { (name: String) in JSONValue.string(Hex.encode(try Recorded.bytes(name)).uppercased()) }
        let value: JSONValue = [
            "platforms": [],
            "collaterals": [
                "version": "4.0",
                "tcbinfos": [
                    ["fmspc": "90C06F000000", "tdx_tcbinfo": try Recorded.json("tdx/tcb_info.json"), "sgx_tcbinfo": ""]
                ],
                "tdqeidentity": .string(try Recorded.text("tdx/qe_identity.json")),
                "qeidentity": "",
                "pckcacrl": ["processorCrl": "", "platformCrl": try list("tdx/pck_crl.der")],
                "rootcacrl": try list("tdx/root_ca_crl.der"),
                "certificates": [
                    "TCB-Info-Issuer-Chain": .string(try Recorded.header("tdx/tcb_signing_chain.pem")),
                    "SGX-Enclave-Identity-Issuer-Chain": .string(try Recorded.header("tdx/qe_identity_chain.pem")),
                    "SGX-PCK-Certificate-Issuer-Chain": [
                        "PLATFORM": .string(try Recorded.header("tdx/pck_crl_chain.pem"))
                    ],
                ],
            ],
        ]
        return pretty ? Array(value.pretty().utf8) : value.serialized()
    }

    @Test(
        "a file of Intel's tool gives the bytes that were signed, also when it was laid out for people",
        arguments: [true, false])
    func intelFile(pretty: Bool) async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write(try file(pretty: pretty), "\(folder)/collaterals.json")
        let direct = DirectCollateral(
            origins: [IntelCollateralFile(path: "\(folder)/collaterals.json")], inspectors: [RecordedInspector()])
        #expect(
            try await direct.item(Recorded.tcb)
                == Recorded.item("tdx/tcb_info.json", chain: "tdx/tcb_signing_chain.pem"))
        #expect(
            try await direct.item(Recorded.identity)
                == Recorded.item("tdx/qe_identity.json", chain: "tdx/qe_identity_chain.pem"))
        #expect(
            try await direct.item(Recorded.platformList)
                == Recorded.item("tdx/pck_crl.der", chain: "tdx/pck_crl_chain.pem"))
        #expect(try await direct.item(.intelRootRevocationList) == Recorded.item("tdx/root_ca_crl.der"))
        let missing = await #expect(throws: CollateralError.self) {
            try await direct.item(.intelPCKRevocationList(.processor))
        }
        #expect(missing?.code == "collateral_unknown")
    }

    @Test(
        "files that are no such file are refused",
        arguments: ["", "{}", "[]", "{\"tcbinfos\":[{}]}", "{\"tcbinfos\":[],\"rootcacrl\":\"xyz\"}"])
    func malformed(text: String) {
        #expect(throws: CollateralFetchFailure.self) { try IntelCollateralFile.items(in: Array(text.utf8)) }
    }
}
