import Encodings
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("DCAP: collateral is judged before it is kept")
struct IntelCollateralInspectorTests {
    private let inspector = IntelCollateralInspector()

    private func code(
        _ item: CollateralItem, _ name: CollateralName, _ inspector: IntelCollateralInspector
    ) -> String? {
        do throws(CollateralError) {
            _ = try inspector.inspect(item, named: name)
            return nil
        } catch {
            return error.code
        }
    }

    private func authority(of list: [UInt8]) throws -> CollateralName.IntelPCKAuthority {
        try RevocationList(der: list).issuer.contains("Platform") ? .platform : .processor
    }

    /// The certificates of the PCK authorities, out of recorded quotes.
    private func issuerChain(_ authority: CollateralName.IntelPCKAuthority) throws -> [[UInt8]] {
        let (tee, id) = authority == .platform ? ("tdx", "v4-uptodate-dcap-qvl") : ("sgx", "v3-dcap-qvl")
        let quote = try IntelQuote(parsing: DCAPVectors.entry(tee, id).quote)
        return Array(try CertificateText.chain(quote.signature.certificates).dropFirst())
    }

    @Test("every recorded item is accepted under its name, with its dates and number", arguments: CollateralSet.all)
    func recorded(_ set: CollateralSet) throws {
        for (name, item) in try set.items() {
            var item = item
            if name.segments[1] == "crl", name != .intelRootRevocationList {
                item = CollateralItem(body: item.body, issuerChain: try issuerChain(authority(of: item.body)))
            }
            let validity = try inspector.inspect(item, named: name)
            #expect(validity.issued <= set.verifyAt)
            #expect(try #require(validity.nextUpdate) >= set.verifyAt)
            let document = name.segments[1] == "crl" ? nil : try JSONValue(parsing: item.body)
            let number = document?["tcbInfo"] ?? document?["enclaveIdentity"]
            #expect(validity.sequence == (document == nil ? 1 : number?["tcbEvaluationDataNumber"]?.uintValue))
        }
    }

    @Test("an item under the name of another is refused")
    func otherNames() throws {
        let set = CollateralSet.tdx
        let items = try set.items()
        let fmspc: [UInt8] = [0xB0, 0xC0, 0x6F, 0, 0, 0]
        let info = try #require(items[.intelTCBInfo(.tdx, fmspc: fmspc, channel: .early)])
        let identity = try #require(items[.intelQEIdentity(.tdx, channel: .early)])
        let list = try #require(items[.intelPCKRevocationList(.platform)])
        #expect(code(info, .intelTCBInfo(.tdx, fmspc: fmspc, channel: .standard), inspector) == nil)
        #expect(code(info, .intelTCBInfo(.sgx, fmspc: fmspc, channel: .early), inspector) == "collateral_mismatch")
        let other = CollateralName.intelTCBInfo(.tdx, fmspc: [0, 1, 2, 3, 4, 5], channel: .early)
        #expect(code(info, other, inspector) == "collateral_mismatch")
        #expect(code(identity, .intelQEIdentity(.sgx, channel: .early), inspector) == "collateral_mismatch")
        #expect(code(info, .intelQEIdentity(.tdx, channel: .early), inspector) == "malformed_collateral")
        #expect(code(list, .intelRootRevocationList, inspector) == "revocation_unknown")
        let chained = CollateralItem(body: list.body, issuerChain: try issuerChain(.platform))
        #expect(code(chained, .intelPCKRevocationList(.platform), inspector) == nil)
        #expect(code(chained, .intelPCKRevocationList(.processor), inspector) == "collateral_mismatch")
        #expect(code(list, .intelPCKRevocationList(.platform), inspector) == "chain_not_trusted")
        for name in [
            "intel/tcb/tdx/b0c06f/early", "amd/crl/milan/vcek", "intel/crl/other", "intel/tcb/tdx/b0c06f000000/late",
        ] {
            #expect(code(info, try #require(CollateralName(name)), inspector) == "collateral_unknown")
        }
        #expect(
            code(CollateralItem(body: info.body), .intelTCBInfo(.tdx, fmspc: fmspc, channel: .early), inspector)
                == "chain_not_trusted")
    }

    @Test("a TCB info of version 2 is refused, whoever signed it")
    func oldVersion() throws {
        let body = try Vectors.bytes("dcap/dcap-collateral/old-v2-tcbinfo-automata/tcb_info.json")
        let item = CollateralItem(body: body, issuerChain: try DCAPVectors.chain("roots/tcb-signing-2032.pem"))
        let name = CollateralName.intelTCBInfo(.sgx, fmspc: [0, 0x60, 0x6A, 0, 0, 0], channel: .early)
        #expect(code(item, name, inspector) == "unsupported_collateral_version")
    }

    @Test("Intel's samples under a private root count only where that root is pinned")
    func privateRoot() throws {
        let folder = "intel-qvl-tdx"
        let root = try #require(
            Certificate.all(pem: Vectors.text("dcap/dcap-collateral/\(folder)/trustedRootCaCert.pem")).first)
        let anchor = PinnedAnchor(name: "sample root", certificate: root)
        let signers = try DCAPVectors.chain("\(folder)/tcbSignChain.pem")
        func item(_ file: String, _ chain: [[UInt8]]) throws -> CollateralItem {
            CollateralItem(body: try Vectors.bytes("dcap/dcap-collateral/\(folder)/\(file)"), issuerChain: chain)
        }
        let info = CollateralName.intelTCBInfo(.tdx, fmspc: [0xED, 0x74, 0x2A, 0xF8, 0xAD, 0xF5], channel: .early)
        let pck = try DCAPVectors.chain("\(folder)/pckSignChain.pem")
        let items: [(CollateralName, CollateralItem)] = [
            (info, try item("tcbInfo.json", signers.reversed())),
            (.intelQEIdentity(.tdx, channel: .early), try item("qeIdentity.json", signers.reversed())),
            (.intelPCKRevocationList(.processor), try item("intermediateCaCrl.der", pck.reversed())),
            (.intelRootRevocationList, try item("rootCaCrl.der", [])),
        ]
        for (name, item) in items {
            #expect(code(item, name, IntelCollateralInspector(anchors: [anchor])) == nil, "\(name)")
            #expect(
                ["chain_not_trusted", "revocation_unknown"].contains(code(item, name, inspector)), "\(name)")
        }
        let old = CollateralItem(
            body: try Vectors.bytes("dcap/dcap-collateral/intel-qvl-sgx/tcbInfo.json"),
            issuerChain: try DCAPVectors.chain("intel-qvl-sgx/tcbSignChain.pem"))
        let name = CollateralName.intelTCBInfo(.sgx, fmspc: [0, 0x70, 0x7F, 0, 0, 0], channel: .early)
        #expect(code(old, name, inspector) == "unsupported_collateral_version")
    }

    @Test("the pinned root is the one of the recorded fingerprint")
    func root() throws {
        let fingerprint = try DCAPVectors.entry("dcap-collateral", "roots").claims["sha256"]?.stringValue
        #expect(PinnedAnchor.intel.map { Hex.encode($0.fingerprint) } == [fingerprint])
    }
}
