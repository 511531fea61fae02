import EvidenceSimulator
import Foundation
import RATS
import Testing
import Verification
import X509TestSupport

/// What the tests of simulated evidence have in common: one moment, one digest, and authorities that are made once.
enum Simulation {
    /// The moment at which everything is valid.
    static let now = Date(timeIntervalSince1970: 1_770_000_000)
    /// What evidence is bound to.
    static let digest = [UInt8](repeating: 0xD1, count: 48)

    static func amd(_ product: SNPProduct) throws -> SimulatedAMD { try #require(authorities[product]).get() }
    static func impostor(_ product: SNPProduct) throws -> SimulatedAMD {
        try SimulatedAMD(product, at: now, keys: .impostor)
    }

    private static let authorities: [SNPProduct: Result<SimulatedAMD, any Error>] = Dictionary(
        uniqueKeysWithValues: [SNPProduct.milan, .genoa, .turin].map { product in
            (product, Result { try SimulatedAMD(product, at: now) })
        })

    /// The claims that a verifier makes of evidence.
    static func claims(
        of evidence: Evidence, by verifier: any EvidenceVerifier, _ items: [CollateralName: CollateralItem],
        initDataDigest: [UInt8]? = nil, at offset: TimeInterval = 0
    ) async throws -> EvidenceClaims {
        let all = try await verifier.verify(
            evidence, binding: EvidenceBinding(reportData: [digest], initDataDigest: initDataDigest),
            context: VerificationContext(
                clock: .fixed(now.addingTimeInterval(offset)), collateral: FixedCollateral(items)))
        return try #require(all.first)
    }

    /// The code with which a verifier refuses evidence; `nil` when it believes it.
    static func refusal(
        of evidence: Evidence, by verifier: any EvidenceVerifier, _ items: [CollateralName: CollateralItem],
        initDataDigest: [UInt8]? = nil, at offset: TimeInterval = 0
    ) async throws -> String? {
        do {
            _ = try await claims(of: evidence, by: verifier, items, initDataDigest: initDataDigest, at: offset)
            return nil
        } catch let error as VerificationError {
            return error.code
        }
    }
}

/// A way to spoil a revocation list so that it says nothing any more.
enum UselessList: String, CaseIterable, Sendable {
    case stale
    case future
    case withoutEnd
    case signedByAnother
    case notSigned

    /// The list, spoiled; `impostor` has the name of the list's issuer and a key of its own.
    func make(
        issuer: TestIssuer, impostor: TestIssuer, _ draft: RevocationListDraft
    ) throws -> (signer: TestIssuer, draft: RevocationListDraft) {
        var draft = draft
        switch self {
        case .stale: draft.nextUpdate = Simulation.now.addingTimeInterval(-1)
        case .future: draft.thisUpdate = Simulation.now.addingTimeInterval(1)
        case .withoutEnd: draft.nextUpdate = nil
        case .signedByAnother, .notSigned: break
        }
        return (self == .signedByAnother ? impostor : issuer, draft)
    }

    /// The bytes of a list, with a broken signature where there is to be none.
    func spoil(_ der: [UInt8]) -> [UInt8] {
        guard self == .notSigned, let last = der.last else { return der }
        return der.dropLast() + [last ^ 1]
    }
}
