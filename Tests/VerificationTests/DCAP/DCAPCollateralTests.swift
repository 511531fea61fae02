import Encodings
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("DCAP: what collateral must be")
struct DCAPCollateralTests {
    private var intel: IntelStandIn
    private let day: TimeInterval = 86_400

    init() throws { intel = try IntelStandIn() }

    private func outcome(
        _ change: (inout IntelStandIn) -> Void = { _ in }, _ terms: (inout IntelStandIn.Terms) throws -> Void = { _ in }
    ) async throws -> DCAPOutcome {
        var intel = intel
        change(&intel)
        return try await intel.outcome(intel.quote(.plain()), terms)
    }

    @Test("A13: a revoked platform, authority or signer of documents is refused")
    func revoked() async throws {
        #expect(try await outcome({ $0.revokedByAuthority = [[0x77]] }).code == "revoked")
        #expect(try await outcome({ $0.revokedByRoot = [[2]] }).code == "revoked")
        #expect(try await outcome({ $0.revokedByRoot = [[3]] }).code == "revoked")
        #expect(try await outcome({ $0.revokedByAuthority = [[0x78], [2], [3]] }).word == "UpToDate")
    }

    @Test("A13: revocation that is unknown is refused: no list, a stale one, one of the future, somebody else's")
    func unknownRevocation() async throws {
        #expect(
            try await outcome({ $0.listDates.until = IntelStandIn.now.addingTimeInterval(-60) }).code
                == "revocation_unknown")
        #expect(
            try await outcome({ $0.listDates.from = IntelStandIn.now.addingTimeInterval(60) }).code
                == "revocation_unknown")
        for name in [CollateralName.intelRootRevocationList, .intelPCKRevocationList(.platform)] {
            #expect(
                try await outcome({ _ in }, { $0.items = try intel.items().filter { $0.key != name } }).code
                    == "revocation_unknown")
        }
        let thief = intel.authority.impersonated(by: try .generate(.ec(.p256)))
        let lists = [
            try intel.list(intel.root, []), try intel.list(thief, []), CollateralItem(body: [0x30, 0]),
        ]
        for list in lists {
            #expect(
                try await outcome(
                    { _ in },
                    { $0.items = try intel.items().merging([.intelPCKRevocationList(.platform): list]) { $1 } }
                ).code == "revocation_unknown")
        }
        let endless = RevocationListDraft(thisUpdate: IntelStandIn.now, nextUpdate: nil)
        let item = CollateralItem(body: try intel.authority.revocationList(endless))
        #expect(
            try await outcome(
                { _ in }, { $0.items = try intel.items().merging([.intelPCKRevocationList(.platform): item]) { $1 } }
            ).code == "revocation_unknown")
    }

    @Test("A14: documents count between their dates; what has expired is tolerated only as long as an option says")
    func dates() async throws {
        let soon = IntelDocuments.text(IntelStandIn.now.addingTimeInterval(60))
        let past = IntelDocuments.text(IntelStandIn.now.addingTimeInterval(-60))
        let documents: [(JSONValue?, JSONValue?, String)] = [
            (IntelDocuments.tcbInfo(.tdx, ["issueDate": soon]), nil, "collateral_not_yet_valid"),
            (IntelDocuments.tcbInfo(.tdx, ["nextUpdate": past]), nil, "collateral_expired"),
            (nil, IntelDocuments.qeIdentity(.tdx, ["issueDate": soon]), "collateral_not_yet_valid"),
            (nil, IntelDocuments.qeIdentity(.tdx, ["nextUpdate": past]), "collateral_expired"),
        ]
        for (info, identity, code) in documents {
            #expect(try await intel.verdict(info: info, identity: identity).code == code)
        }
        let items = try intel.items(info: IntelDocuments.tcbInfo(.tdx, ["nextUpdate": past]))
        let tolerated = try await outcome({ _ in }) { ($0.items, $0.grace) = (items, .seconds(60)) }
        #expect(tolerated.claims?["collateral_expiration_status"] == "1")
        #expect(
            try await outcome({ _ in }) { ($0.items, $0.grace) = (items, .seconds(59)) }.code == "collateral_expired")
        let stale = try await outcome({ $0.listDates.until = IntelStandIn.now.addingTimeInterval(-60) }) {
            $0.grace = .seconds(60)
        }
        #expect(stale.claims?["collateral_expiration_status"] == "1")
        #expect(try await outcome().claims?["collateral_expiration_status"] == "0")
    }

    @Test("A14: documents of another family of platforms, kind or PCE are refused")
    func otherPlatform() async throws {
        let documents: [(JSONValue?, JSONValue?)] = [
            (IntelDocuments.tcbInfo(.tdx, ["fmspc": "B0C06F000001"]), nil),
            (IntelDocuments.tcbInfo(.tdx, ["pceId": "0001"]), nil), (IntelDocuments.tcbInfo(.sgx), nil),
            (nil, IntelDocuments.qeIdentity(.sgx)),
        ]
        for (info, identity) in documents {
            #expect(try await intel.verdict(info: info, identity: identity).code == "collateral_mismatch")
        }
        #expect(
            try await outcome({ $0.platform.fmspc[5] = 1 }, { $0.items = try intel.items() }).code
                == "collateral_unavailable")
    }

    @Test("an older evaluation than demanded or seen before is refused")
    func rollback() async throws {
        #expect(try await outcome({ _ in }, { $0.minimum = 17 }).word == "UpToDate")
        #expect(try await outcome({ _ in }, { $0.minimum = 18 }).code == "collateral_rollback")
        let info = CollateralName.intelTCBInfo(.tdx, fmspc: intel.platform.fmspc, channel: .early)
        #expect(try await outcome({ _ in }, { $0.highest = { $0 == info ? 17 : nil } }).word == "UpToDate")
        #expect(try await outcome({ _ in }, { $0.highest = { $0 == info ? 18 : nil } }).code == "collateral_rollback")
        let identity = CollateralName.intelQEIdentity(.tdx, channel: .early)
        #expect(
            try await outcome({ _ in }, { $0.highest = { $0 == identity ? 18 : nil } }).code == "collateral_rollback")
        // What is published early is never behind what is published later.
        let later = CollateralName.intelTCBInfo(.tdx, fmspc: intel.platform.fmspc, channel: .standard)
        #expect(try await outcome({ _ in }, { $0.highest = { $0 == later ? 18 : nil } }).code == "collateral_rollback")
        let enclaves = CollateralName.intelTCBInfo(.sgx, fmspc: intel.platform.fmspc, channel: .early)
        #expect(try await outcome({ _ in }, { $0.highest = { $0 == enclaves ? 18 : nil } }).word == "UpToDate")
        let step = try await outcome({ _ in }, { $0.highest = { $0 == info ? 17 : nil } }).result?.steps
            .first { $0.name == "TCB level" }
        #expect(step?.detail.contains("evaluation 17, at least 17") == true)
        let older = try await intel.verdict(identity: IntelDocuments.qeIdentity(.tdx, ["tcbEvaluationDataNumber": 16]))
        #expect(older.claims?["tcb_eval_num"] == 16)
    }

    @Test("a document that was written anew, is signed by another key or has a name twice is refused")
    func documents() async throws {
        let name = CollateralName.intelTCBInfo(.tdx, fmspc: intel.platform.fmspc, channel: .early)
        let good = try #require(try intel.items()[name])
        func code(_ body: String, chain: [[UInt8]]? = nil) async throws -> String? {
            let item = CollateralItem(body: Array(body.utf8), issuerChain: chain ?? good.issuerChain)
            return try await outcome({ _ in }, { $0.items = try intel.items().merging([name: item]) { $1 } }).code
        }
        let text = String(decoding: good.body, as: UTF8.self)
        #expect(try await code(text) == nil)
        // The signature alone is 128 digits in quotation marks; it may stand first, and there may be space around both.
        let (signature, signed) = (text.suffix(131).dropLast(), text.dropFirst().dropLast(144))
        #expect(try await code(" \n{ \"signature\" : \(signature) ,\t\(signed) \r\n}") == nil)
        #expect(try await code(text.replacing("\"version\":3", with: "\"version\": 3")) == "signature_invalid")
        #expect(try await code(text.replacing("\"UpToDate\"", with: "\"OutOfDate\"")) == "signature_invalid")
        let malformed = [
            text.replacing("\"version\":3", with: "\"version\":3,\"version\":3"), text + " x", String(text.dropLast()),
            text.dropLast() + ",\"more\":{}}", text.replacing("\"tcbInfo\"", with: "\"tcb\\u0049nfo\""), "{}", "[]",
            text.replacing(signature, with: "\"00\""), text.replacing(signature, with: signature.uppercased()), "",
        ]
        for body in malformed { #expect(try await code(body) == "malformed_collateral", "\(body.suffix(200))") }
        #expect(try await code(text, chain: []) == "chain_not_trusted")
        #expect(
            try await code(text, chain: [intel.authority.certificate.der, intel.root.certificate.der])
                == "chain_not_trusted")
        let other = try IntelStandIn()
        #expect(try await code(text, chain: [other.signer.der, other.root.certificate.der]) == "chain_not_trusted")
    }

    @Test("documents that lead to another root than the platform's certificate are refused where both are pinned")
    func twoRoots() async throws {
        let other = try IntelStandIn()
        let name = CollateralName.intelTCBInfo(.tdx, fmspc: intel.platform.fmspc, channel: .early)
        let foreign = try #require(try other.items()[name])
        let result = try await outcome({ _ in }) {
            $0.anchors = intel.anchors + other.anchors
            $0.items = try intel.items().merging([name: foreign]) { $1 }
        }
        #expect(result.code == "chain_not_trusted")
    }

    @Test("documents of unknown versions, types and shapes are refused")
    func shapes() async throws {
        let infos: [([String: JSONValue], String)] = [
            (["version": 2], "unsupported_collateral_version"), (["version": 4], "unsupported_collateral_version"),
            (["id": "TDX2"], "malformed_collateral"), (["tcbType": 1], "malformed_collateral"),
            (["fmspc": "B0"], "malformed_collateral"), (["issueDate": "2025-06-19"], "malformed_collateral"),
            (["tcbEvaluationDataNumber": "17"], "malformed_collateral"), (["tcbLevels": [:]], "malformed_collateral"),
            (["tcbEvaluationDataNumber": 17.5], "malformed_collateral"), (["tdxModule": []], "malformed_collateral"),
            (["tcbLevels": [["tcb": ["sgxtcbcomponents": []]]]], "malformed_collateral"),
        ]
        for (change, code) in infos {
            #expect(try await intel.verdict(info: IntelDocuments.tcbInfo(.tdx, change)).code == code, "\(change)")
        }
        let identities: [([String: JSONValue], String)] = [
            (["version": 1], "unsupported_collateral_version"), (["id": "QVE"], "malformed_collateral"),
            (["mrsigner": "DC"], "malformed_collateral"), (["isvprodid": -1], "malformed_collateral"),
            (["isvprodid": 65536], "malformed_collateral"), (["miscselectMask": 7], "malformed_collateral"),
        ]
        for (change, code) in identities {
            #expect(
                try await intel.verdict(identity: IntelDocuments.qeIdentity(.tdx, change)).code == code, "\(change)")
        }
    }

    @Test("what was verified once is verified again when it changes, expires or is revoked")
    func memory() async throws {
        let verifier = TrustDomainQuoteVerifier(options: .init(collateral: intel.options()))
        let quote = try intel.quote(.plain()).encoded
        func word(_ items: [CollateralName: CollateralItem], at date: Date = IntelStandIn.now) async -> String {
            do {
                let context = VerificationContext(clock: .fixed(date), collateral: FixedCollateral(items))
                return try await verifier.verify(quote, context: context).quote.verdict.rating.status.rawValue
            } catch {
                return error.code
            }
        }
        let items = try intel.items()
        for _ in 0..<2 { #expect(await word(items) == "UpToDate") }
        #expect(await word(try intel.items(info: IntelDocuments.tcbInfo(.tdx, status: "OutOfDate"))) == "OutOfDate")
        var revoking = intel
        revoking.revokedByAuthority = [[0x77]]
        #expect(await word(try revoking.items()) == "revoked")
        #expect(await word(items) == "UpToDate")
        #expect(await word(items, at: IntelStandIn.now.addingTimeInterval(29.5 * day)) == "collateral_expired")
        #expect(await word(items, at: IntelStandIn.now.addingTimeInterval(366 * day)) == "certificate_expired")
        #expect(await word(items, at: IntelStandIn.now.addingTimeInterval(-2 * day)) == "certificate_not_yet_valid")
        #expect(await word([:]) == "revocation_unknown")
        #expect(await word(items) == "UpToDate")
    }
}
