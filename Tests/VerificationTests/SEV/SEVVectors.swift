import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

/// Recorded certificates of SEV platforms.
enum SEVVectors {
    /// The certificates of a real Naples platform, without those above its chip.
    static func naples() throws -> SEVPresentedChain {
        func certificate(_ name: String) throws -> [UInt8] { try Vectors.bytes("sev/chain-naples/\(name).cert") }
        return SEVPresentedChain(
            pdh: try certificate("pdh"), pek: try certificate("pek"), oca: try certificate("oca"),
            cek: try certificate("cek"))
    }

    /// The `extra-params` of a real Milan platform's request.
    static func milanRequest() throws -> JSONValue {
        try #require(try Vectors.json("sev/kbs-request-milan/request.json")["extra-params"])
    }

    /// The certificates of a real Milan platform.
    static func milan() throws -> SEVPresentedChain { try SEVRequest(milanRequest()).chain }

    /// The platform behind a chain, or the code with which it is refused.
    static func outcome(
        _ chain: SEVPresentedChain, under authorities: SEVAuthorities = .amd
    ) -> Result<SEVPlatform, VerificationError> {
        do throws(VerificationError) {
            return .success(try SEVPlatform(chain, under: authorities))
        } catch {
            return .failure(error)
        }
    }

    static func refusal(_ chain: SEVPresentedChain, under authorities: SEVAuthorities = .amd) -> String? {
        guard case .failure(let error) = outcome(chain, under: authorities) else { return nil }
        return error.code
    }
}

/// A certificate of a chain, to be changed by itself.
enum SEVChainMember: String, CaseIterable, Sendable {
    case pdh, pek, oca, cek, ask, ark
}

extension SEVPresentedChain {
    subscript(_ member: SEVChainMember) -> [UInt8] {
        get {
            switch member {
            case .pdh: pdh
            case .pek: pek
            case .oca: oca
            case .cek: cek
            case .ask: authorities?.ask ?? []
            case .ark: authorities?.ark ?? []
            }
        }
        set {
            switch member {
            case .pdh: pdh = newValue
            case .pek: pek = newValue
            case .oca: oca = newValue
            case .cek: cek = newValue
            case .ask: authorities?.ask = newValue
            case .ark: authorities?.ark = newValue
            }
        }
    }
}
