import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

extension NitroVerifier {
    /// The code with which evidence is refused; `nil` when it is believed.
    func refusal(_ evidence: Evidence, _ binding: EvidenceBinding, at date: Date) async -> String? {
        do throws(VerificationError) {
            _ = try await verify(evidence, binding: binding, context: VerificationContext(clock: .fixed(date)))
            return nil
        } catch {
            return error.code
        }
    }
}

enum NitroVectors {
    static func document(_ id: String) throws -> [UInt8] { try Vectors.bytes("nitro/\(id)/document.cose") }

    static func evidence(_ document: [UInt8]) -> Evidence {
        Evidence(tee: .nitro, content: ["document": .string(Base64.encode(document))])
    }

    static func entry(_ id: String) throws -> JSONValue {
        let entries = try #require(Vectors.json("nitro/manifest.json").arrayValue)
        return try #require(entries.first { $0["id"]?.stringValue == id })
    }

    static func date(_ id: String) throws -> Date {
        try Date(#require(entry(id)["verify_at"]?.stringValue), strategy: .iso8601)
    }

    static func binding(_ id: String) throws -> EvidenceBinding {
        EvidenceBinding(reportData: [try Hex.decode(#require(entry(id)["claims"]?["user_data"]?.stringValue))])
    }
}

@Suite("Nitro: recorded documents")
struct NitroVectorTests {
    @Test("a document of a real enclave is believed at its time, and says what its manifest says")
    func accepted() async throws {
        let evidence = Evidence(tee: .nitro, content: try Vectors.json("nitro/dstack/evidence.json"))
        let context = VerificationContext(clock: .fixed(try NitroVectors.date("dstack")))
        let all = try await NitroVerifier().verify(evidence, binding: NitroVectors.binding("dstack"), context: context)
        let result = try #require(all.first)
        let expected = try #require(NitroVectors.entry("dstack")["claims"])
        for name in ["module_id", "digest", "nonce", "user_data"] {
            #expect(result.claims[name] == expected[name], "\(name)")
        }
        for (index, value) in try #require(expected["pcrs"]?.objectValue) {
            #expect(result.claims["pcr\(index)"] == value)
        }
        #expect(result.claims["debug"] == false && result.claims["public_key"] == "")
        #expect(result.claims["report_data"] == expected["user_data"] && result.matchedReportData == 0)
        #expect(result.chain.count == 5 && result.tee == .nitro)
        // AWS says in the certificates of the region and the zone where lists are; none is at hand here.
        let revocation = try #require(result.steps.first { $0.name == "revocation" })
        #expect(revocation.outcome == .skipped && revocation.detail.hasPrefix("0 of the 2 authorities"))
        let stated = try NitroVerifier().statedReportData(in: evidence)
        #expect(Hex.encode(stated) == expected["user_data"]?.stringValue)
    }

    @Test("a document of a real enclave in debug mode is refused unless that is let in, and then says so")
    func debug() async throws {
        let id = "dstack-debug"
        let evidence = try NitroVectors.evidence(NitroVectors.document(id))
        let (date, binding) = (try NitroVectors.date(id), EvidenceBinding(reportData: [[0]]))
        // The enclave was bound to nothing: 64 zeros.
        #expect(await NitroVerifier().refusal(evidence, binding, at: date) == "debug_enabled")
        var options = NitroVerifier.Options()
        options.allowsDebug = true
        let all = try await NitroVerifier(options).verify(
            evidence, binding: binding, context: VerificationContext(clock: .fixed(date)))
        #expect(all.first?.claims["debug"] == true)
    }

    @Test("a document counts for minutes, though its certificate lives for hours")
    func freshness() async throws {
        let evidence = try NitroVectors.evidence(NitroVectors.document("dstack"))
        let binding = try NitroVectors.binding("dstack")
        let made = try Date(
            timeIntervalSince1970: Double(NitroDocument(parsing: NitroVectors.document("dstack")).timestamp) / 1000)
        for (offset, code) in [
            (0, nil), (300, nil), (301, "evidence_expired"), (86_400, "evidence_expired"), (-60, nil),
            (-61, "evidence_not_yet_valid"),
        ] as [(TimeInterval, String?)] {
            #expect(await NitroVerifier().refusal(evidence, binding, at: made.addingTimeInterval(offset)) == code)
        }
        var options = NitroVerifier.Options()
        options.maximumAge = .seconds(365 * 86_400)
        // What counts is the moment of the signature.
        #expect(await NitroVerifier(options).refusal(evidence, binding, at: made.addingTimeInterval(86_400)) == nil)
    }
}
