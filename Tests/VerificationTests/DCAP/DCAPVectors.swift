import Encodings
import Foundation
import RATS
import TestInput
import Testing
import X509Trust

@testable import Verification

/// The recorded quotes and collateral of SGX and TDX.
enum DCAPVectors {
    /// An entry of the manifest.
    struct Entry: Sendable, CustomTestStringConvertible {
        let tee: String
        let id: String
        let expectation: String
        let files: [String]
        let verifyAt: Date?
        let claims: JSONValue

        var testDescription: String { "\(tee)/\(id)" }

        var evidence: Evidence {
            get throws {
                let kind = TEE(wireName: tee) ?? .tdx
                if let file = files.first(where: { $0.hasSuffix("evidence.json") }) {
                    return Evidence(tee: kind, content: try Vectors.json("dcap/\(file)"))
                }
                let quote = try Vectors.bytes("dcap/\(tee)/\(id)/quote.bin")
                let log = try Vectors.bytes("dcap/\(tee)/\(id)/cc_eventlog.bin")
                return Evidence(
                    tee: kind,
                    content: [
                        "quote": .string(Base64.encode(quote)), "cc_eventlog": .string(Base64.encode(log)),
                    ])
            }
        }

        var quote: [UInt8] { get throws { try DCAPEvidence(evidence.content).quote } }

        /// The verdicts that were recorded for sets of collateral that are here.
        func verdicts() -> [(set: CollateralSet, status: String, advisories: [String], evaluation: Int64)] {
            (claims["tcb_verdicts"]?.arrayValue ?? []).compactMap { verdict in
                guard let set = CollateralSet(verdict), let status = verdict["status"]?.stringValue else { return nil }
                return (
                    set, status, (verdict["advisories"]?.arrayValue ?? []).compactMap(\.stringValue),
                    verdict["eval"]?.intValue ?? 0
                )
            }
        }
    }

    static func entries(_ tees: String...) throws -> [Entry] {
        try (Vectors.json("dcap/manifest.json").arrayValue ?? []).compactMap { entry in
            guard let tee = entry["tee"]?.stringValue, tees.contains(tee) else { return nil }
            return Entry(
                tee: tee, id: entry["id"]?.stringValue ?? "", expectation: entry["expect"]?.stringValue ?? "",
                files: (entry["files"]?.arrayValue ?? []).compactMap(\.stringValue),
                verifyAt: try entry["verify_at"]?.stringValue.map { try Date($0, strategy: .iso8601) },
                claims: entry["claims"] ?? .null)
        }
    }

    static func entry(_ tee: String, _ id: String) throws -> Entry {
        guard let entry = try entries(tee).first(where: { $0.id == id }) else { throw CocoaError(.fileNoSuchFile) }
        return entry
    }

    static func chain(_ file: String) throws -> [[UInt8]] {
        try Certificate.all(pem: Vectors.text("dcap/dcap-collateral/\(file)")).map(\.der)
    }
}

/// Collateral that was in force at one moment.
struct CollateralSet: Sendable, CustomTestStringConvertible {
    /// Files below `dcap-collateral`.
    let tcbInfo: String
    let qeIdentity: String
    let platformList: String
    let rootList: String
    let signers: String
    let verifyAt: Date

    var testDescription: String { "\(tcbInfo) at \(verifyAt.formatted(.iso8601))" }

    static let sgx = CollateralSet("dcap-qvl-sgx", at: "2025-07-04T10:28:44Z")
    static let tdx = CollateralSet("dcap-qvl-tdx", at: "2025-07-04T10:16:31Z")
    static let later = CollateralSet("dcap-qvl-tdx-outdated", at: "2026-03-05T10:50:03Z")
    static let mixed = CollateralSet(
        tcbInfo: "go-tdx-guest-v5", rest: "dcap-qvl-tdx-outdated", at: "2026-02-25T00:45:50Z")
    static let early = CollateralSet(
        "go-tdx-guest", signers: "roots/tcb-signing-2025.pem", at: "2023-06-28T08:03:58Z")
    static let all = [sgx, tdx, later, mixed, early]

    /// The set that a recorded verdict names, if it is here; another root list of the same time does as well.
    init?(_ verdict: JSONValue) {
        let found = Self.all.first {
            $0.tcbInfo == verdict["tcb_info"]?.stringValue && $0.qeIdentity == verdict["qe_identity"]?.stringValue
                && $0.platformList == verdict["pck_crl"]?.stringValue
        }
        guard let found else { return nil }
        self = found
    }

    private init(tcbInfo: String? = nil, _ rest: String, signers: String? = nil, at date: String) {
        self.init(tcbInfo: tcbInfo ?? rest, rest: rest, signers: signers, at: date)
    }

    private init(tcbInfo: String, rest: String, signers: String? = nil, at date: String) {
        self.tcbInfo = "\(tcbInfo)/tcb_info.json"
        qeIdentity = "\(rest)/qe_identity.json"
        platformList = "\(rest)/pck_crl.der"
        rootList = "\(rest)/root_ca_crl.der"
        self.signers = signers ?? "\(rest)/tcb_signing_chain.pem"
        verifyAt = (try? Date(date, strategy: .iso8601)) ?? .distantPast
    }

    /// The items under the names that Intel's service would give them.
    func items(channel: CollateralName.IntelUpdateChannel = .early) throws -> [CollateralName: CollateralItem] {
        let signer = try DCAPVectors.chain(signers)
        let info = try body(tcbInfo)
        let content = try JSONValue(parsing: info)
        let fmspc = try Hex.decode(content[pointer: "/tcbInfo/fmspc"]?.stringValue ?? "")
        let kind: CollateralName.IntelQuoteKind = content[pointer: "/tcbInfo/id"] == "SGX" ? .sgx : .tdx
        let list = try RevocationList(der: body(platformList))
        let authority: CollateralName.IntelPCKAuthority = list.issuer.contains("Platform") ? .platform : .processor
        return [
            .intelTCBInfo(kind, fmspc: fmspc, channel: channel): CollateralItem(body: info, issuerChain: signer),
            .intelQEIdentity(kind, channel: channel): CollateralItem(body: try body(qeIdentity), issuerChain: signer),
            .intelPCKRevocationList(authority): CollateralItem(body: list.der),
            .intelRootRevocationList: CollateralItem(body: try body(rootList)),
        ]
    }

    func context(at date: Date? = nil) throws -> VerificationContext {
        VerificationContext(clock: .fixed(date ?? verifyAt), collateral: FixedCollateral(try items()))
    }

    private func body(_ file: String) throws -> [UInt8] { try Vectors.bytes("dcap/dcap-collateral/\(file)") }
}
