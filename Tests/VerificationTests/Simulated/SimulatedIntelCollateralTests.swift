import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification
import X509TestSupport

@Suite("Simulated collateral of Intel's")
struct SimulatedIntelCollateralTests {
    private let site: SimulatedIntelSite

    init() throws { site = try SimulatedIntelSite() }

    @Test("A14: a TCB info for another family of platforms is refused, whatever it is filed under")
    func otherFamily() async throws {
        var collateral = site.collateral
        collateral.changeTCBInfos { $0.fmspc = [0, 0x90, 0x6E, 0xA1, 0, 0] }
        let domain = try SimulatedTrustDomain(on: site.platform)
        #expect(
            try await site.refusal(domain, collateral: collateral, filedUnder: site.platform.draft.fmspc)
                == "collateral_mismatch")
        #expect(try await site.refusal(domain, collateral: collateral) == "collateral_unavailable")
        #expect(try await site.refusal { $0.changeTCBInfos { $0.pceID = [1, 0] } } == "collateral_mismatch")
    }

    @Test("A14: a platform whose level Intel has revoked is refused")
    func revokedLevel() async throws {
        #expect(try await site.refusal { $0.changeTCBInfos { $0.levels[0].status = "Revoked" } } == "tcb_revoked")
        #expect(try await site.refusal { $0.identities[.tdx]?.levels = [(1, "Revoked")] } == "tcb_revoked")
    }

    @Test("A14: a platform that is out of date says so in its claims, with what is known against it")
    func outOfDate() async throws {
        let old = try site.intel.platform { $0.componentSVNs = $0.componentSVNs.map { $0 / 2 } }
        let claims = try await Simulation.claims(
            of: SimulatedTrustDomain(on: old).evidence(bound: Simulation.digest),
            by: TDXVerifier(options: .init(collateral: site.options())), site.collateral.items())
        #expect(claims.claims["tcb_status"] == "OutOfDate")
        #expect(claims.claims["advisory_ids"] == ["INTEL-SA-00960"])
        let ancient = try site.intel.platform { $0.componentSVNs = Array(repeating: 0, count: 16) }
        #expect(try await site.refusal(on: ancient) == "tcb_unsupported")
        let oldPCE = try site.intel.platform { $0.pceSVN = 4 }
        #expect(try await site.refusal(on: oldPCE) == "tcb_unsupported")
    }

    @Test("A14: documents and lists count from the day of their issue to the day their successor is due")
    func expiry() async throws {
        let now = Simulation.now
        #expect(try await site.refusal { $0.changeTCBInfos { $0.nextUpdate = now } } == nil)
        #expect(try await site.refusal { $0.changeTCBInfos { $0.nextUpdate = now - 1 } } == "collateral_expired")
        #expect(try await site.refusal { $0.identities[.tdx]?.nextUpdate = now - 1 } == "collateral_expired")
        #expect(try await site.refusal { $0.changeTCBInfos { $0.issued = now + 1 } } == "collateral_not_yet_valid")
        #expect(try await site.refusal { $0.identities[.tdx]?.issued = now + 1 } == "collateral_not_yet_valid")
        // What is for enclaves does not matter to trust domains.
        #expect(try await site.refusal { $0.identities[.sgx]?.nextUpdate = now - 1 } == nil)
    }

    @Test("A14: collateral within the grace that a site grants says so in its claims")
    func grace() async throws {
        var collateral = site.collateral
        collateral.changeTCBInfos { $0.nextUpdate = Simulation.now.addingTimeInterval(-60) }
        let lenient = site.options { $0.grace = .seconds(60) }
        let claims = try await Simulation.claims(
            of: SimulatedTrustDomain(on: site.platform).evidence(bound: Simulation.digest),
            by: TDXVerifier(options: .init(collateral: lenient)), collateral.items())
        #expect(claims.claims["collateral_expiration_status"] == "1")
        #expect(try await site.refusal(on: nil, lenient, at: 1) { $0 = collateral } == "collateral_expired")
    }

    @Test("A15: an evaluation number that is lower than demanded or seen before is refused")
    func evaluationNumber() async throws {
        let demanding = site.options { $0.minimumEvaluationNumber = 17 }
        var older = [site.collateral, site.collateral]
        older[0].changeTCBInfos { $0.evaluationNumber = 16 }
        older[1].identities[.tdx]?.evaluationNumber = 16
        #expect(try await site.refusal(on: nil, demanding) == nil)
        #expect(try await refusal(site.collateral, highest: 17) == nil)
        for collateral in older {
            #expect(try await site.refusal(on: nil, demanding) { $0 = collateral } == "collateral_rollback")
            #expect(try await refusal(collateral, highest: 16) == nil)
            #expect(try await refusal(collateral, highest: 17) == "collateral_rollback")
        }
    }

    @Test("A15: what was the newest when it was handed out is no rollback because a newer one comes during the rest")
    func raisedMeanwhile() async throws {
        let clock = TurnedClock(Simulation.now)
        let info = CollateralName.intelTCBInfo(.tdx, fmspc: site.platform.draft.fmspc, channel: .early)
        let identity = CollateralName.intelQEIdentity(.tdx, channel: .early)
        for (raised, code) in [(info, nil), (identity, "collateral_rollback")] as [(CollateralName, String?)] {
            clock.set(Simulation.now)
            let source = RememberingCollateral(
                items: FixedCollateral(try site.collateral.items()),
                highest: { $0 == raised && clock.wall.now() > Simulation.now ? 18 : 17 },
                asked: { if $0 == identity { clock.set(Simulation.now + 1) } })
            do {
                _ = try await TDXVerifier(options: .init(collateral: site.options())).verify(
                    SimulatedTrustDomain(on: site.platform).evidence(bound: Simulation.digest),
                    binding: EvidenceBinding(reportData: [Simulation.digest], initDataDigest: nil),
                    context: VerificationContext(clock: clock.wall, collateral: source))
                #expect(code == nil)
            } catch let error as VerificationError {
                #expect(error.code == code)
            }
        }
    }

    /// The code with which a trust domain is refused when the source of collateral saw this number before, and asking for
    /// the last piece takes this long.
    private func refusal(
        _ collateral: SimulatedIntelCollateral, highest: UInt64? = nil, taking seconds: TimeInterval = 0
    ) async throws -> String? {
        let clock = TurnedClock(Simulation.now)
        let source = RememberingCollateral(
            items: FixedCollateral(try collateral.items()), highest: { _ in highest },
            asked: { name in
                guard name == .intelQEIdentity(.tdx, channel: .early) else { return }
                clock.set(Simulation.now.addingTimeInterval(seconds))
            })
        do {
            _ = try await TDXVerifier(options: .init(collateral: site.options())).verify(
                SimulatedTrustDomain(on: site.platform).evidence(bound: Simulation.digest),
                binding: EvidenceBinding(reportData: [Simulation.digest], initDataDigest: nil),
                context: VerificationContext(clock: clock.wall, collateral: source))
            return nil
        } catch let error as VerificationError {
            return error.code
        }
    }

    @Test("A14: what expires while the collateral is asked for has expired, and what is issued meanwhile counts")
    func slowCollateral() async throws {
        var collateral = site.collateral
        collateral.changeTCBInfos { $0.nextUpdate = Simulation.now.addingTimeInterval(5) }
        #expect(try await refusal(collateral, taking: 5) == nil)
        #expect(try await refusal(collateral, taking: 6) == "collateral_expired")
        collateral = site.collateral
        collateral.identities[.tdx]?.issued = Simulation.now.addingTimeInterval(3)
        #expect(try await refusal(collateral, taking: 2) == "collateral_not_yet_valid")
        #expect(try await refusal(collateral, taking: 4) == nil)
        #expect(try await refusal(site.collateral, taking: 86_400 * 365 * 40) == "certificate_expired")
    }

    @Test("A14: documents that somebody else signed are refused, also a certificate authority of Intel's")
    func signer() async throws {
        let thief = site.intel.documentSigner.impersonated(by: try .generate(.ec(.p256)))
        #expect(try await site.refusal { $0.documentSigner = thief } == "signature_invalid")
        let impostor = try SimulatedIntel(at: Simulation.now)
        #expect(try await site.refusal { $0.documentSigner = impostor.documentSigner } == "chain_not_trusted")
        #expect(try await site.refusal { $0.documentSigner = site.intel.platformAuthority } == "chain_not_trusted")
    }

    @Test("A14: without one of the four pieces of collateral nothing is believed")
    func missing() async throws {
        let evidence = try SimulatedTrustDomain(on: site.platform).evidence(bound: Simulation.digest)
        for (name, code) in [
            (.intelTCBInfo(.tdx, fmspc: site.platform.draft.fmspc, channel: .early), "collateral_unavailable"),
            (.intelQEIdentity(.tdx, channel: .early), "collateral_unavailable"),
            (.intelPCKRevocationList(.platform), "revocation_unknown"),
            (.intelRootRevocationList, "revocation_unknown"),
        ] as [(CollateralName, String)] {
            var items = try site.collateral.items()
            #expect(items.removeValue(forKey: name) != nil)
            let verifier = TDXVerifier(options: .init(collateral: site.options()))
            #expect(try await Simulation.refusal(of: evidence, by: verifier, items) == code)
        }
    }
}
