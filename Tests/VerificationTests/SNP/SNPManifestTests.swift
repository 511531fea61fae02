import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("SEV-SNP: recorded evidence")
struct SNPManifestTests {
    @Test("every entry of the manifest is judged as it says", arguments: try SNPVector.all())
    func judged(_ vector: SNPVector) async throws {
        // AMD's list for Turin was not recorded, and that of Milan and Genoa only for one year.
        let verifier = SNPVerifier(.with { $0.revocation.coverage = .none })
        switch vector.expected {
        case "accept" where vector.claims["crypto_ok"] == true:
            #expect(try await verifier.refusal(vector) == nil)
        case "accept-crypto":
            #expect(try await verifier.refusal(vector) == "unsupported_version")
            let product = try vector.product
            let open = SNPVerifier(
                .with {
                    $0.version2Products = [product]
                    $0.revocation.coverage = .none
                })
            #expect(try await open.refusal(vector) == nil)
        case "reject" where vector.claims["crypto_ok"] == true:
            #expect(try await verifier.refusal(vector) != nil)
        case "reject":
            // Its hardware identifier is made up, so AMD's authority did not sign it.
            let source = SNPEndorsementKeySource(
                der: try Vectors.bytes("snp/\(vector.id)/vcek.der"), isCollateral: false)
            let error = #expect(throws: VerificationError.self) {
                _ = try SNPEndorsement(anchors: .amd).verify(
                    source, kind: .vcek, product: .milan, at: Date(timeIntervalSince1970: 1_740_000_000))
            }
            #expect(error?.code == "chain_not_trusted")
        default:
            #expect(["roots", "crls"].contains(vector.id))
        }
    }

    @Test("what the manifest refuses is refused for its reason, once everything before it is let in")
    func reasons() async throws {
        func code(_ id: String, _ options: SNPVerifier.Options) async throws -> String? {
            try await SNPVerifier(options).refusal(SNPVector.named(id))
        }
        let version2 = SNPVerifier.Options.with {
            $0.version2Products = [.milan]
            $0.revocation.coverage = .none
        }
        #expect(try await code("milan-v3-vlek-vmpl1", version2) == "vmpl_not_allowed")
        #expect(try await code("milan-v2-vlek-vmpl1-openanolis", version2) == "vmpl_not_allowed")
        #expect(try await code("milan-v2-debug-go-sev-guest", version2) == "debug_enabled")
        #expect(try await code("milan-v2-trustee", .with { $0.version2Products = [.genoa] }) == "product_not_allowed")
    }

    @Test("the claims of recorded evidence are those of the manifest", arguments: SNPVector.withReport)
    func claims(_ vector: SNPVector) async throws {
        let evidence = Evidence(tee: .snp, content: try vector.evidence())
        let results = try await SNPVerifier(.lenient).verify(
            evidence, binding: try vector.binding, context: try vector.context)
        #expect(results.count == 1)
        let claims = results[0].claims
        #expect(claims["version"] == vector.claims["version"])
        #expect(claims["product"]?.stringValue?.lowercased() == vector.claims["product"]?.stringValue)
        #expect(claims["vek_type"] == vector.claims["key"])
        #expect(claims["vmpl"] == vector.claims["vmpl"])
        #expect(claims["policy_debug_allowed"] == vector.claims["debug"])
        #expect(claims["policy_migrate_ma"] == vector.claims["migrate_ma"])
        #expect(claims["policy_smt_allowed"] == vector.claims["smt_allowed"])
        let levels = try #require(vector.claims["reported_tcb"]?.objectValue)
        #expect(claims["reported_tcb_fmc"] == levels["fmc"])
        #expect(claims["reported_tcb_bootloader"] == levels["bl"])
        #expect(claims["reported_tcb_tee"] == levels["tee"])
        #expect(claims["reported_tcb_snp"] == levels["snp"])
        #expect(claims["reported_tcb_microcode"] == levels["ucode"])
        for (name, recorded) in [
            ("measurement", "measurement"), ("report_data", "report_data"), ("init_data", "host_data"),
            ("chip_id", "chip_id"),
        ] {
            #expect(claims[name] == vector.claims[recorded])
        }
        let notAfter = try #require(claims["vek_not_after"]?.stringValue)
        #expect(notAfter.hasPrefix(try #require(vector.claims["vek_not_after"]?.stringValue)))
        #expect((claims["csp_id"] == nil) == (vector.kind == .vcek))
        #expect(results[0].matchedReportData == 0)
        #expect(results[0].deviceClass == DeviceClass.cpu)
        #expect(results[0].chain.count == 3)
        #expect(results[0].chain.first == (try vector.certificate()))
    }

    @Test("the claims of a Genoa and of a Turin report are complete")
    func completeClaims() async throws {
        for id in ["genoa-v3-trustee-e2e", "turin-v5-openanolis"] {
            let vector = try SNPVector.named(id)
            let claims = try await SNPVerifier(.lenient).verify(
                Evidence(tee: .snp, content: try vector.evidence()), binding: try vector.binding,
                context: try vector.context)[0].claims
            #expect(claims == (try Vectors.json("snp/\(id)/claims.json").objectValue))
        }
    }

    @Test("what was checked is listed in order, and what was not is said to be skipped")
    func steps() async throws {
        let vector = try SNPVector.named("genoa-v3-trustee-e2e")
        let steps = try await SNPVerifier().verify(
            Evidence(tee: .snp, content: try vector.evidence()), binding: try vector.binding,
            context: try vector.context)[0].steps
        #expect(
            steps.map { "\($0.outcome.rawValue) \($0.name)" } == [
                "passed report format", "passed product", "passed certificate chain", "passed revocation",
                "passed report signature", "passed chip identifier", "passed firmware of the key",
                "passed order of firmware", "skipped minimum firmware", "passed privilege level",
                "passed guest policy", "skipped platform", "skipped ID block", "passed report data",
                "skipped init-data", "passed machine",
            ])
    }

    @Test("AMD's pinned authorities are those whose fingerprints were published")
    func roots() throws {
        let recorded = try SNPVector.named("roots").claims
        #expect(SNPTrustAnchors.amd.products == [.milan, .genoa, .turin])
        for product in SNPTrustAnchors.amd.products {
            let authorities = try #require(SNPTrustAnchors.amd[product])
            let expected = try #require(recorded[product.collateralName]?.objectValue)
            #expect(Hex.encode(authorities.root.certificate.fingerprint) == expected["ark"]?.stringValue)
            #expect(Hex.encode(authorities.chipAuthority.fingerprint) == expected["ask"]?.stringValue)
            #expect(Hex.encode(authorities.providerAuthority.fingerprint) == expected["asvk"]?.stringValue)
        }
    }

    @Test("the report data that evidence carries can be read without believing it", arguments: SNPVector.withReport)
    func statedReportData(_ vector: SNPVector) throws {
        let stated = try SNPVerifier().statedReportData(in: Evidence(tee: .snp, content: try vector.evidence()))
        #expect(Hex.encode(stated) == vector.claims["report_data"]?.stringValue)
    }
}
