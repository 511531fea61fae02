import Encodings
public import FoundationEssentials
public import RATS
import Verification
import X509Trust

/// Collateral in files: Intel's documents and lists and AMD's lists, of any number of days.
public struct RecordedCollateral: Sendable {
    /// One document or list, verified.
    private struct Piece: Sendable {
        let name: CollateralName
        let item: CollateralItem
        let validity: CollateralValidity

        func isCurrent(at date: Date) -> Bool {
            validity.issued <= date && date <= validity.nextUpdate ?? .distantFuture
        }
    }

    private let pieces: [Piece]

    /// All pieces in the files below a folder of this name; what is signed by nobody who is trusted counts for nothing.
    /// An empty name stands for the whole folder.
    ///
    /// Documents are files `.json`, lists `.der` or `.crl`, and the certificates of signers `.pem`. Throws
    /// `unreadable_file`.
    public init(_ folder: EvidenceFolder, below name: String = "") throws(RecordedEvidenceError) {
        let files = folder.files(below: name)
        let signers = try Signers(folder, files)
        let inspectors: [any CollateralInspector] = [IntelCollateralInspector(), SNPCollateralInspector()]
        var pieces: [Piece] = []
        for file in files where [".json", ".der", ".crl"].contains(where: file.hasSuffix) {
            let bytes = try folder.bytes(file)
            for name in Self.names(of: bytes, file) {
                let found = signers.chains(for: bytes, file).lazy.compactMap { chain -> Piece? in
                    let item = CollateralItem(body: bytes, issuerChain: chain)
                    let validity = inspectors.lazy.compactMap { try? $0.inspect(item, named: name) }.first
                    return validity.map { Piece(name: name, item: item, validity: $0) }
                }
                if let piece = found.first { pieces.append(piece) }
            }
        }
        self.pieces = pieces
    }

    /// What was in force at a time, of each name the latest; of TCB infos and identities only those with this evaluation
    /// number, where one is given.
    public func inForce(at date: Date, evaluation: UInt64? = nil) -> FixedCollateral {
        var found: [CollateralName: Piece] = [:]
        for piece in pieces where piece.isCurrent(at: date) {
            let isList = piece.name.segments[1] == "crl"
            guard isList || evaluation == nil || piece.validity.sequence == evaluation else { continue }
            if let other = found[piece.name], other.validity.issued > piece.validity.issued { continue }
            found[piece.name] = piece
        }
        return FixedCollateral(found.mapValues(\.item))
    }

    /// What a document says of itself, when Intel signed it.
    func facts(of document: [UInt8]) -> JSONObject? {
        guard let piece = pieces.first(where: { $0.item.body == document }),
            let value = try? JSONValue(parsing: document),
            let inner = value["tcbInfo"] ?? value["enclaveIdentity"]
        else { return nil }
        var facts = JSONObject()
        for name in ["id", "version", "fmspc", "issueDate", "nextUpdate"] { facts[name] = inner[name] }
        facts["eval"] = piece.validity.sequence.map { .int(Int64($0)) }
        facts["signature_ok"] = true
        return facts
    }

    /// The names that a file may have by what it says of itself.
    static func names(of bytes: [UInt8], _ file: String) -> [CollateralName] {
        if file.hasSuffix(".json") {
            guard let document = try? JSONValue(parsing: bytes) else { return [] }
            if let info = document["tcbInfo"] { return tcbInfoNames(info) }
            guard let id = document["enclaveIdentity"]?["id"]?.stringValue else { return [] }
            let kind: CollateralName.IntelQuoteKind = id == "TD_QE" ? .tdx : .sgx
            return channels.map { .intelQEIdentity(kind, channel: $0) }
        }
        guard let list = try? RevocationList(der: bytes) else { return [] }
        guard !list.issuer.contains("Intel SGX") else {
            return [
                .intelRootRevocationList, .intelPCKRevocationList(.platform), .intelPCKRevocationList(.processor),
            ]
        }
        return SNPProduct.allCases.filter { list.issuer.contains("ARK-\($0.rawValue)") }.flatMap { product in
            CollateralName.AMDEndorsementKeyKind.allCases.compactMap {
                CollateralName.amdRevocationList(product: product.collateralName, kind: $0)
            }
        }
    }

    private static func tcbInfoNames(_ info: JSONValue) -> [CollateralName] {
        guard let fmspc = info["fmspc"]?.hexBytes, fmspc.count == 6 else { return [] }
        let kind: CollateralName.IntelQuoteKind = info["id"]?.stringValue == "TDX" ? .tdx : .sgx
        return channels.map { .intelTCBInfo(kind, fmspc: fmspc, channel: $0) }
    }

    private static let channels: [CollateralName.IntelUpdateChannel] = [.early]
}

/// The certificates in a folder's PEM files that may have signed something of Intel's.
private struct Signers {
    private var certificates: [Certificate] = []

    init(_ folder: EvidenceFolder, _ files: [String]) throws(RecordedEvidenceError) {
        var seen: Set<[UInt8]> = []
        for file in files where file.hasSuffix(".pem") {
            let text = String(decoding: try folder.bytes(file), as: UTF8.self)
            for certificate in (try? Certificate.all(pem: text)) ?? []
            where seen.insert(certificate.fingerprint).inserted {
                certificates.append(certificate)
            }
        }
    }

    /// The certificates that may have signed a document or a list, each with Intel's root behind it.
    func chains(for bytes: [UInt8], _ file: String) -> [[[UInt8]]] {
        guard let root = PinnedAnchor.intel.first?.certificate else { return [[]] }
        let issuer = file.hasSuffix(".json") ? nil : (try? RevocationList(der: bytes))?.issuer
        let signers = certificates.filter { certificate in
            issuer.map { $0 == certificate.subject } ?? (certificate.subjectCommonName == "Intel SGX TCB Signing")
        }
        return signers.map { $0 == root ? [root.der] : [$0.der, root.der] } + [[root.der]]
    }
}
