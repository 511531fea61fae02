import Collateral
import Crypto
import Encodings
import Foundation
import TestInput
import X509Trust

@testable import RATS

/// The recorded collateral.
enum Recorded: VectorFolder {
    static var bundle: Bundle { .module }

    static let fmspc: [UInt8] = [0x90, 0xC0, 0x6F, 0, 0, 0]
    static let tcb = CollateralName.intelTCBInfo(.tdx, fmspc: fmspc, channel: .standard)
    static let identity = CollateralName.intelQEIdentity(.tdx, channel: .standard)
    static let platformList = CollateralName.intelPCKRevocationList(.platform)
    static let chip = String(repeating: "ab", count: 64)
    static let vcek = CollateralName(segments: "amd", "vcek", "milan", chip, "bl3_tee0_snp8_ucode115")
    static let milanList = CollateralName(segments: "amd", "crl", "milan", "vcek")

    /// A chain as the service's headers carry it.
    static func header(_ file: String) throws -> String {
        try text(file).utf8.map { byte in
            let isPlain = byte >= 0x30 && byte < 0x7F && byte != UInt8(ascii: "=")
            return isPlain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }.joined()
    }

    static func chain(_ file: String) throws -> [[UInt8]] { try Certificate.all(pem: text(file)).map(\.der) }

    static func item(_ file: String, chain: String? = nil) throws -> CollateralItem {
        CollateralItem(body: try bytes(file), issuerChain: try chain.map { try Self.chain($0) } ?? [])
    }
}

/// Verifies recorded collateral as far as these tests need it: signed JSON to Intel's root, and the shape of DER.
struct RecordedInspector: CollateralInspector {
    func inspect(
        _ item: CollateralItem, named name: CollateralName
    ) throws(CollateralError) -> CollateralValidity {
        do {
            switch (name.segments[0], name.segments[1]) {
            case ("intel", "tcb"): return try signed(item, member: "tcbInfo", mention: name.segments[3])
            case ("intel", "qe"): return try signed(item, member: "enclaveIdentity", mention: nil)
            case ("amd", "vcek"):
                let certificate = try Certificate(der: item.body)
                return CollateralValidity(issued: certificate.notBefore, nextUpdate: nil, sequence: nil)
            default: return try list(item)
            }
        } catch {
            throw CollateralError(code: "signature_invalid", message: "\(error)")
        }
    }

    private struct Refused: Error { let reason: String }

    private func signed(_ item: CollateralItem, member: String, mention: String?) throws -> CollateralValidity {
        let text = String(decoding: item.body, as: UTF8.self)
        let (start, middle) = ("{\"\(member)\":", ",\"signature\":\"")
        guard text.hasPrefix(start), let end = text.range(of: middle, options: .backwards), text.hasSuffix("\"}") else {
            throw Refused(reason: "shape")
        }
        let inner = String(text[text.index(text.startIndex, offsetBy: start.count)..<end.lowerBound])
        let signature = try Hex.decode(String(text[end.upperBound...].dropLast(2)))
        let content = try JSONObject(parsing: Array(inner.utf8))
        let issued = try date(content["issueDate"])
        guard item.issuerChain.count == 2, try item.issuerChain[1] == Recorded.bytes("IntelSGXRootCA.der") else {
            throw Refused(reason: "root")
        }
        let signer = try CertificateChain.verify(
            leaf: item.issuerChain[0], anchors: [item.issuerChain[1]], at: issued)
        guard signer.subject.contains("TCB Signing") else { throw Refused(reason: "signer") }
        let key = try P256.Signing.PublicKey(derRepresentation: signer.publicKeyDER)
        guard try key.isValidSignature(.init(rawRepresentation: signature), for: Data(inner.utf8)) else {
            throw Refused(reason: "signature")
        }
        if let mention, content["fmspc"]?.stringValue?.lowercased() != mention { throw Refused(reason: "fmspc") }
        return CollateralValidity(
            issued: issued, nextUpdate: try date(content["nextUpdate"]),
            sequence: content["tcbEvaluationDataNumber"]?.uintValue)
    }

    private func date(_ value: JSONValue?) throws -> Date {
        try Date(value?.stringValue ?? "", strategy: .iso8601)
    }

    /// A whole DER sequence; dates do not matter here.
    private func list(_ item: CollateralItem) throws -> CollateralValidity {
        var reader = ByteReader(item.body)
        guard try reader.u8() == 0x30, try reader.u8() == 0x82, try Int(reader.u16BE()) == reader.remaining else {
            throw Refused(reason: "DER")
        }
        return CollateralValidity(issued: noon, nextUpdate: noon.addingTimeInterval(86_400 * 30), sequence: nil)
    }
}
