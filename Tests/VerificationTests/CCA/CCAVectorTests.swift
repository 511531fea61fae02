import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("CCA: recorded tokens")
struct CCAVectorTests {
    private func claims(_ id: String, endorsedFirmware: Bool) async throws -> EvidenceClaims {
        let all = try await CCAVerifier(CCAVectors.options(endorsedFirmware: endorsedFirmware)).verify(
            CCAVectors.evidence(CCAVectors.token(id)), binding: CCAVectors.binding(id),
            context: VerificationContext(clock: .fixed(CCAVectors.then)))
        return try #require(all.first)
    }

    private func base64(_ value: JSONValue?) throws -> String {
        Hex.encode(try Base64.decode(#require(value?.stringValue)))
    }

    @Test("tokens of both profiles, with ES256 and ES384, give what their manifest says", arguments: CCAVectors.good)
    func facts(id: String) async throws {
        let result = try await claims(id, endorsedFirmware: false)
        let expected = try #require(CCAVectors.entry(id)["claims"])
        let (realm, platform) = (result.claims["realm"], result.claims["platform"])
        #expect(try base64(realm?["cca-realm-challenge"]) == expected["challenge"]?.stringValue)
        #expect(try base64(realm?["cca-realm-personalization-value"]) == expected["personalization"]?.stringValue)
        #expect(try base64(realm?["cca-realm-initial-measurement"]) == expected["rim"]?.stringValue)
        let registers = try #require(realm?["cca-realm-extensible-measurements"]?.arrayValue).map { try base64($0) }
        #expect(registers == expected["rem"]?.arrayValue?.compactMap(\.stringValue))
        #expect(realm?["cca-realm-profile"]?.stringValue == expected["realm_profile"]?.stringValue)
        #expect(try base64(platform?["cca-platform-implementation-id"]) == expected["impl_id"]?.stringValue)
        #expect(try base64(platform?["cca-platform-instance-id"]) == expected["inst_id"]?.stringValue)
        #expect(platform?["cca-platform-profile"] == expected["platform_profile"])
        #expect(platform?["cca-platform-lifecycle"] == expected["lifecycle"])
        #expect(
            platform?["cca-platform-sw-components"]?.arrayValue?.count
                == expected["sw_components"]?.intValue.map(Int.init))
        #expect(result.claims["report_data"] == expected["challenge"])
        #expect(result.matchedReportData == 0 && result.tee == .cca)
    }

    @Test("firmware counts as endorsed by the recorded store and manifest, and other firmware is refused")
    func firmware() async throws {
        for id in ["example-trustee", "rust-ccatoken-ffm-new-profile", "veraison-es256-new-profile"] {
            let result = try await claims(id, endorsedFirmware: true)
            #expect(result.claims["platform"]?["cca-platform-sw-components-endorsed"] == true)
        }
        let verifier = CCAVerifier(try CCAVectors.options())
        let other = try CCAVectors.evidence(CCAVectors.token("rust-ccatoken-01"))
        #expect(await verifier.refusal(other, try CCAVectors.binding("rust-ccatoken-01")) == "firmware_not_endorsed")
        let result = try await claims("rust-ccatoken-01", endorsedFirmware: false)
        #expect(result.claims["platform"]?["cca-platform-sw-components-endorsed"] == false)
    }

    @Test("claims have the names and forms that Trustee's example has")
    func exampleNames() async throws {
        let example = try Vectors.json("cca/trustee-claims.json")
        let result = try await claims("veraison-es256-new-profile", endorsedFirmware: true)
        for part in ["realm", "platform"] {
            for name in try #require(example[part]?.objectValue).names {
                #expect(result.claims[part]?[name] != nil, "\(part).\(name)")
            }
        }
        let component = try #require(example["platform"]?["cca-platform-sw-components"]?.arrayValue?.first?.objectValue)
        let found = result.claims["platform"]?["cca-platform-sw-components"]?.arrayValue?.first
        for name in component.names { #expect(found?[name] != nil, "\(name)") }
    }

    @Test("a token whose platform does not vouch for the realm's key is refused, though both signatures are good")
    func badBinding() async throws {
        let id = "bad-binding-bug33"
        let verifier = CCAVerifier(try CCAVectors.options(endorsedFirmware: false))
        let evidence = try CCAVectors.evidence(CCAVectors.token(id))
        #expect(await verifier.refusal(evidence, try CCAVectors.binding(id)) == "key_not_bound")
    }

    @Test("the form that guests send, a list of numbers, is read like base64")
    func forms() async throws {
        let evidence = Evidence(tee: .cca, content: try Vectors.json("cca/example-trustee/evidence.json"))
        let verifier = CCAVerifier(try CCAVectors.options())
        #expect(await verifier.refusal(evidence, try CCAVectors.binding("example-trustee")) == nil)
        let expected = try #require(CCAVectors.entry("example-trustee")["claims"]?["challenge"]?.stringValue)
        #expect(try Hex.encode(verifier.statedReportData(in: evidence)) == expected)
    }

    @Test("recorded claim sets are read or refused as their names say")
    func claimSets() throws {
        let sets = try Vectors.json("cca/claims.json")
        for (name, value) in try #require(sets["platform"]?.objectValue) {
            let payload = try Hex.decode(#require(value.stringValue))
            let code = refusalCode { () throws(VerificationError) in
                _ = try CCAPlatformClaims(CCAClaimReader(payload, "platform token", rules: .strict))
            }
            let isBad = name.contains("Invalid") || name.contains("Missing")
            #expect(code == (isBad ? "malformed_evidence" : nil), "\(name)")
        }
        for (name, value) in try #require(sets["realm"]?.objectValue) {
            let payload = try Hex.decode(#require(value.stringValue))
            let code = refusalCode { () throws(VerificationError) in
                _ = try CCARealmClaims(CCAClaimReader(payload, "realm token", rules: .strict))
            }
            #expect(code == (name.contains("Missing") ? "malformed_evidence" : nil), "\(name)")
        }
    }

    @Test("endorsements count in their period only")
    func period() async throws {
        let id = "veraison-es256-new-profile"
        let evidence = try CCAVectors.evidence(CCAVectors.token(id))
        let binding = try CCAVectors.binding(id)
        let verifier = CCAVerifier(try CCAVectors.options())
        for (seconds, code) in [
            (1_640_908_799, "key_not_trusted"), (1_640_908_800, nil), (1_767_139_200, nil),
            (1_767_139_201, "key_not_trusted"),
        ] as [(TimeInterval, String?)] {
            #expect(await verifier.refusal(evidence, binding, at: Date(timeIntervalSince1970: seconds)) == code)
        }
    }

    @Test("a manifest about realms endorses no platform")
    func realmManifest() throws {
        let found = try CCAEndorsements(unsignedManifest: Vectors.bytes("cca/corim/cca-realm-endorsements.cbor"))
        #expect(found.anchors.isEmpty && found.releases.isEmpty)
    }
}
