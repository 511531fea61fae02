import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("SEV-SNP: revocation")
struct SNPRevocationTests {
    private let guest: SNPGuest

    init() throws { guest = try SNPGuest() }

    private func status(_ options: SNPVerifier.Options, list: [UInt8], at offset: TimeInterval = 0) async throws
        -> String?
    {
        let evidence = rawEvidence(
            try guest.report.signed(by: guest.key), certificate: guest.key.certificate, kind: .vcek)
        let claims = try await SNPVerifier(options).verify(
            Evidence(tee: .snp, content: evidence), binding: EvidenceBinding(reportData: [guest.digest]),
            context: VerificationContext(
                clock: .fixed(guest.amd.now.addingTimeInterval(offset)), collateral: guest.collateral(list: list)))
        return claims[0].claims["crl_status"]?.stringValue
    }

    @Test("A13: an authority that AMD's list names is refused, however old the list is and whatever is let in")
    func revoked() async throws {
        let open = guest.options { $0.revocation.coverage = .none }
        let authority = guest.amd.chipAuthority.certificate
        for list in [
            try guest.amd.revocationList(revoking: [authority]),
            try guest.amd.revocationList(revoking: [authority], [[7]], issued: -900_000, nextUpdate: -800_000),
            try guest.amd.revocationList(revoking: [authority], nextUpdate: nil),
        ] {
            #expect(try await guest.refusal(list: list) == "revoked")
            #expect(try await guest.refusal(open, list: list) == "revoked")
        }
        #expect(
            try await guest.refusal(
                list: guest.amd.revocationList(revoking: [guest.amd.providerAuthority.certificate], [[1, 0, 9]])) == nil
        )
    }

    @Test("A13: Genoa's first authority is on AMD's real list, and the pinned one is not")
    func genoa() throws {
        let list = try RevocationList(der: Vectors.bytes("snp/crls/genoa.crl"))
        let genoa = try #require(SNPTrustAnchors.amd[.genoa])
        try list.verify(issuer: genoa.root.certificate)
        #expect(list.revocation(ofSerial: [0x02, 0x00, 0x01]) != nil)
        #expect(list.revocation(ofSerial: genoa.chipAuthority.serialNumber) == nil)
        #expect(list.revocation(ofSerial: genoa.providerAuthority.serialNumber) == nil)
    }

    @Test("A13: without a list that can be believed evidence is refused, unless the site accepts that it is not known")
    func unknown() async throws {
        let open = guest.options { $0.revocation.coverage = .none }
        let impostor = try SimulatedAMD(isImpostor: true)
        for (list, word) in [
            ([], "no_list"), ([0x30, 0x00], "no_list"), (try impostor.revocationList(), "no_list"),
            (try guest.amd.revocationList(by: guest.amd.chipAuthority), "no_list"),
            (try guest.amd.revocationList(issued: -200_000, nextUpdate: -100), "stale"),
            (try guest.amd.revocationList(issued: 100, nextUpdate: 200), "future"),
            (try guest.amd.revocationList(nextUpdate: nil), "unbounded"),
        ] as [([UInt8], String)] {
            #expect(try await guest.refusal(list: list) == "revocation_unknown")
            #expect(try await status(open, list: list) == word)
        }
        var tampered = try guest.amd.revocationList()
        tampered[tampered.count - 300] ^= 1
        #expect(try await guest.refusal(list: tampered) == "revocation_unknown")
    }

    @Test("a list counts until its next one is due, and for the grace beyond that")
    func grace() async throws {
        let list = try guest.amd.revocationList(issued: -86_400, nextUpdate: 1000)
        let lenient = guest.options { $0.revocation.grace = .seconds(5000) }
        #expect(try await status(guest.options(), list: list, at: 1000) == "good")
        #expect(try await guest.refusal(list: list, at: 1001) == "revocation_unknown")
        #expect(try await status(lenient, list: list, at: 1001) == "within_grace")
        #expect(try await status(lenient, list: list, at: 6000) == "within_grace")
        #expect(try await guest.refusal(lenient, list: list, at: 6001) == "revocation_unknown")
    }

    @Test("A13: a list that ends while it is asked for has ended, and so has the chip's certificate")
    func slowList() async throws {
        let list = try guest.amd.revocationList(issued: -86_400, nextUpdate: 1000)
        let report = try guest.report.signed(by: guest.key)
        let evidence = rawEvidence(report, certificate: guest.key.certificate, kind: .vcek)
        for (seconds, code) in [(999.0, nil), (1001, "revocation_unknown"), (86_400 * 365 * 60, "certificate_expired")]
        {
            let clock = TurnedClock(guest.amd.now)
            let later = guest.amd.now.addingTimeInterval(seconds)
            let source = RememberingCollateral(
                items: try guest.collateral(list: list), asked: { _ in clock.set(later) })
            var refusal: String?
            do throws(VerificationError) {
                _ = try await SNPVerifier(guest.options()).verify(
                    Evidence(tee: .snp, content: evidence), binding: EvidenceBinding(reportData: [guest.digest]),
                    context: VerificationContext(clock: clock.wall, collateral: source))
            } catch {
                refusal = error.code
            }
            #expect(refusal == code)
        }
    }

    @Test("a new list counts at once for a chain that was believed before")
    func newList() async throws {
        let verifier = SNPVerifier(guest.options())
        let evidence = rawEvidence(
            try guest.report.signed(by: guest.key), certificate: guest.key.certificate, kind: .vcek)
        func refusal(_ list: [UInt8]) async throws -> String? {
            await verifier.refusal(
                evidence, binding: EvidenceBinding(reportData: [guest.digest]),
                context: VerificationContext(
                    clock: .fixed(guest.amd.now), collateral: try guest.collateral(list: list)))
        }
        #expect(try await refusal(guest.amd.revocationList()) == nil)
        #expect(
            try await refusal(guest.amd.revocationList(revoking: [guest.amd.chipAuthority.certificate], number: 5))
                == "revoked")
        #expect(try await refusal(guest.amd.revocationList()) == nil)
    }

    @Test("AMD's real lists make recorded evidence good while they last")
    func recorded() async throws {
        let vector = try SNPVector.named("genoa-v3-trustee-e2e")
        let verifier = SNPVerifier()
        for (time, code): (String, String?) in [
            ("2025-06-26T00:00:00Z", nil), ("2025-11-03T01:00:00Z", nil),
            ("2025-11-03T01:00:01Z", "revocation_unknown"),
        ] {
            let context = VerificationContext(
                clock: .fixed(try Date(time, strategy: .iso8601)), collateral: try SNPVector.recordedLists())
            #expect(
                await verifier.refusal(try vector.evidence(), binding: try vector.binding, context: context) == code)
        }
        let turin = try SNPVector.named("turin-v5-openanolis")
        #expect(try await verifier.refusal(turin) == "revocation_unknown")
    }
}
