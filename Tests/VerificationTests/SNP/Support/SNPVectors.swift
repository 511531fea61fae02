import Encodings
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

/// One entry of the manifest of recorded evidence.
struct SNPVector: Sendable, CustomTestStringConvertible {
    let id: String
    let expected: String
    let claims: JSONObject
    private let verifyAt: String?

    init(_ json: JSONValue) throws {
        id = try #require(json["id"]?.stringValue)
        expected = try #require(json["expect"]?.stringValue)
        claims = json["claims"]?.objectValue ?? [:]
        verifyAt = json["verify_at"]?.stringValue
    }

    var testDescription: String { id }

    /// All entries.
    static func all() throws -> [SNPVector] {
        try #require(Vectors.json("snp/manifest.json").arrayValue).map(SNPVector.init)
    }

    /// Those with a report whose signature is good, with the claims that they must give.
    static let withReport: [SNPVector] = ((try? all()) ?? []).filter { $0.claims["crypto_ok"] == true }

    static func named(_ id: String) throws -> SNPVector { try #require(try all().first { $0.id == id }) }

    var kind: SNPEndorsementKeyKind { claims["key"] == "VLEK" ? .vlek : .vcek }
    var product: SNPProduct {
        get throws {
            let name = claims["product"]?.stringValue
            return try #require(SNPProduct.allCases.first { $0.collateralName == name })
        }
    }

    func report() throws -> [UInt8] { try Vectors.bytes("snp/\(id)/report.bin") }
    func certificate() throws -> [UInt8] { try Vectors.bytes("snp/\(id)/\(kind.rawValue).der") }
    func evidence() throws -> JSONValue { try Vectors.json("snp/\(id)/evidence.json") }

    var date: Date {
        get throws { try Date(#require(verifyAt), strategy: .iso8601) }
    }

    /// The binding that the evidence was made for.
    var binding: EvidenceBinding {
        get throws {
            EvidenceBinding(reportData: [try Hex.decode(#require(claims["report_data"]?.stringValue))])
        }
    }

    /// The time of the evidence, and AMD's revocation lists where they were recorded.
    var context: VerificationContext {
        get throws { VerificationContext(clock: .fixed(try date), collateral: try SNPVector.recordedLists()) }
    }

    static func recordedLists() throws -> FixedCollateral {
        var items: [CollateralName: CollateralItem] = [:]
        for product in ["milan", "genoa"] {
            for kind in SNPEndorsementKeyKind.allCases {
                let name = try #require(CollateralName.amdRevocationList(product: product, kind: kind))
                items[name] = CollateralItem(body: try Vectors.bytes("snp/crls/\(product).crl"))
            }
        }
        return FixedCollateral(items)
    }
}

extension SNPVerifier.Options {
    /// The defaults, changed.
    static func with(_ change: (inout SNPVerifier.Options) -> Void) -> SNPVerifier.Options {
        var options = SNPVerifier.Options()
        change(&options)
        return options
    }

    /// Everything let in that does not touch cryptography, and no revocation list required.
    static let lenient = with {
        $0.version2Products = [.milan]
        $0.vmpls = [0, 1, 2, 3]
        $0.allowsDebug = true
        $0.revocation.coverage = .none
    }
}

extension SNPVerifier {
    /// The code of the refusal, or `nil` when the evidence is believed.
    func refusal(
        _ content: JSONValue, binding: EvidenceBinding, context: VerificationContext
    ) async -> String? {
        do throws(VerificationError) {
            _ = try await verify(Evidence(tee: .snp, content: content), binding: binding, context: context)
            return nil
        } catch {
            return error.code
        }
    }

    /// The code of the refusal of a recorded evidence, or `nil` when it is believed.
    func refusal(_ vector: SNPVector, _ content: JSONValue? = nil) async throws -> String? {
        await refusal(try content ?? vector.evidence(), binding: try vector.binding, context: try vector.context)
    }
}

/// Evidence in the form of bytes.
func rawEvidence(_ report: [UInt8], certificate: [UInt8]?, kind: SNPEndorsementKeyKind) -> JSONValue {
    let type = JSONValue.string(kind.rawValue.uppercased())
    let entries = certificate.map { der -> [JSONValue] in
        [["cert_type": type, "data": .array(der.map { .int(Int64($0)) })]]
    }
    return ["report": .string(Base64.encode(report)), "cert_chain": .array(entries ?? [])]
}
