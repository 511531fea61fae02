import Encodings
import Foundation
import Testing
import X509Trust

/// The real certificates among the vectors.
enum Real {
    static func certificate(_ name: String) throws -> Certificate {
        let bytes = try Vectors.bytes(name)
        return bytes.starts(with: [0x30, 0x82])
            ? try Certificate(der: bytes) : try Certificate(pem: String(decoding: bytes, as: UTF8.self))
    }

    static func certificates(_ name: String) throws -> [Certificate] {
        try Certificate.all(pem: Vectors.text(name))
    }

    static func list(_ name: String) throws -> RevocationList {
        let bytes = try Vectors.bytes(name)
        return bytes.starts(with: Array("-----".utf8))
            ? try RevocationList(pem: String(decoding: bytes, as: UTF8.self)) : try RevocationList(der: bytes)
    }

    static func date(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }
}

/// A real path, its pinned root and a moment at which it is good.
struct RealPath: Sendable, CustomTestStringConvertible {
    let name: String
    let date: String
    let fingerprint: String
    let path: @Sendable () throws -> [Certificate]

    var testDescription: String { name }

    func anchor() throws -> PinnedAnchor {
        let root = try #require(try path().last)
        return try PinnedAnchor(name: name, certificate: root, fingerprint: fingerprint)
    }

    static func amd(_ product: String, leaf: String, date: String, _ fingerprint: String) -> RealPath {
        RealPath(name: "AMD \(product)", date: date, fingerprint: fingerprint) {
            try ["\(leaf)_vcek", "\(leaf)_ask", "\(leaf)_ark"].map { try Real.certificate("amd/\($0).der") }
        }
    }

    static func nvidia(_ file: String) -> RealPath {
        RealPath(
            name: "NVIDIA \(file)", date: "2025-06-01T00:00:00Z",
            fingerprint: "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48"
        ) { try Real.certificates("nvidia/\(file).pem") }
    }

    static func files(_ name: String, _ files: [String], at date: String, _ fingerprint: String) -> RealPath {
        RealPath(name: name, date: date, fingerprint: fingerprint) { try files.map(Real.certificate) }
    }

    static let all: [RealPath] = [
        amd(
            "Milan", leaf: "milan", date: "2025-03-01T00:00:00Z",
            "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd"),
        amd(
            "Genoa", leaf: "genoa", date: "2025-06-26T00:00:00Z",
            "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1"),
        amd(
            "Turin", leaf: "turin", date: "2026-07-28T00:00:00Z",
            "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a"),
        RealPath(
            name: "Intel PCK", date: "2025-07-04T10:16:31Z",
            fingerprint: "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"
        ) { try Real.certificates("intel/pck_chain.pem") },
        RealPath(
            name: "Intel TCB signing", date: "2025-07-04T10:16:31Z",
            fingerprint: "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3"
        ) { try Real.certificates("intel/tcb_signing_chain.pem") },
        nvidia("hopper-trustee"), nvidia("blackwell-sdk"), nvidia("switch-sdk"),
        files(
            "Azure AK", ["azure/ak-01.der", "azure/azure_tpm_intermediate_03.pem", "azure/azure_tpm_root_2023.pem"],
            at: "2026-01-01T00:00:00Z", "e6c596b17f8ffefba5c300f714cfb1260c6028704ecf7becc4ab5018efb00e95"),
        files(
            "Google AK",
            ["google/uca_tpm_ecc_sign_cert.pem", "google/tpm_ek_intermediate_3.crt", "google/tpm_ek_root_1.cer"],
            at: "2024-01-01T00:00:00Z", "9bd5285f8fb18502a7947e621ffd470266f49fcd3b73e19a190f690ad32a7caf"),
        RealPath(
            name: "AWS Nitro", date: "2025-12-25T16:04:19Z",
            fingerprint: "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"
        ) {
            // The document carries the leaf and then its issuers from the root downwards.
            let all = try Real.certificates("nitro/dstack.pem")
            return [all[0]] + all.dropFirst().reversed()
        },
    ]
}

@Suite("Real certificates of vendors")
struct RealChainTests {
    @Test("lead to the vendor's pinned root", arguments: RealPath.all)
    func good(real: RealPath) throws {
        let path = try real.path()
        let chain = try CertificateChain.verify(path: path, anchors: [real.anchor()], at: Real.date(real.date))
        #expect(chain.certificates == path)
        #expect(chain.anchor.name == real.name)
        #expect(chain.notBefore <= chain.notAfter)
    }
}
