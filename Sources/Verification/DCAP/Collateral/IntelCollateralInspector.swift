import Encodings
import FoundationEssentials
public import RATS
public import X509Trust

/// Judges Intel's collateral before it is kept: TCB infos, identities of quoting enclaves, and revocation lists.
///
/// Every signature must lead to a pinned root, and an item must be what its name says. Whether it is still in force is
/// not asked, so that a cache can say what it has; the dates are in the answer.
public struct IntelCollateralInspector: CollateralInspector {
    private let anchors: [PinnedAnchor]

    /// An inspector that trusts these roots. The certificates of signers must have been valid when an item was issued.
    public init(anchors: [PinnedAnchor] = PinnedAnchor.intel) { self.anchors = anchors }

    /// Verifies an item whose name is one of Intel's, and returns its dates and its number: `tcbEvaluationDataNumber` of
    /// documents, the CRL number of lists.
    ///
    /// Throws `collateral_unknown` for other names, `collateral_mismatch` for an item of another name, `collateral_unsigned`
    /// for a list without its issuer, and the errors of documents, lists and chains.
    public func inspect(
        _ item: CollateralItem, named name: CollateralName
    ) throws(CollateralError) -> CollateralValidity {
        guard let subject = IntelCollateralSubject(name) else {
            throw CollateralError(code: "collateral_unknown", message: "\(name) is no name of Intel's collateral.")
        }
        do throws(VerificationError) {
            switch subject {
            case .tcbInfo(let kind, let fmspc): return try tcbInfo(item, kind, fmspc)
            case .qeIdentity(let kind): return try qeIdentity(item, kind)
            case .platformList(let authority): return try platformList(item, authority)
            case .rootList: return try rootList(item)
            }
        } catch {
            throw CollateralError(code: error.code, message: error.message)
        }
    }

    private func tcbInfo(
        _ item: CollateralItem, _ kind: CollateralName.IntelQuoteKind, _ fmspc: [UInt8]
    ) throws(VerificationError) -> CollateralValidity {
        let info = try SignedCollateral.tcbInfo(item, anchors: anchors).content
        guard info.kind == kind, info.fmspc == fmspc else {
            throw VerificationError(
                code: "collateral_mismatch",
                message:
                    "The TCB info is for \(info.kind.rawValue) on \(Hex.encode(info.fmspc)), not what its name says.")
        }
        return try Self.validity(TCBInfo.title, info.issued, info.nextUpdate, UInt64(info.evaluationNumber))
    }

    private func qeIdentity(
        _ item: CollateralItem, _ kind: CollateralName.IntelQuoteKind
    ) throws(VerificationError) -> CollateralValidity {
        let identity = try SignedCollateral.qeIdentity(item, anchors: anchors).content
        guard identity.kind == kind else {
            throw VerificationError(
                code: "collateral_mismatch",
                message: "The identity is that of the enclave for \(identity.kind.rawValue), not what its name says.")
        }
        return try Self.validity(
            QEIdentity.title, identity.issued, identity.nextUpdate, UInt64(identity.evaluationNumber))
    }

    private func platformList(
        _ item: CollateralItem, _ authority: CollateralName.IntelPCKAuthority
    ) throws(VerificationError) -> CollateralValidity {
        let chain = try IntelChain.verify(
            item.issuerChain, anchors: anchors, at: IntelRevocationList.date(of: item), usage: .any,
            what: "The issuer of Intel's revocation list")
        guard chain.certificates.count == 2, chain.leaf.subjectCommonName == authority.commonName else {
            throw VerificationError(
                code: "collateral_mismatch",
                message: "The revocation list is that of \(chain.leaf.subject.prefix(200)), not what its name says.")
        }
        return try Self.validity(IntelRevocationList(item, issuer: chain.leaf))
    }

    private func rootList(_ item: CollateralItem) throws(VerificationError) -> CollateralValidity {
        var refusal = VerificationError(
            code: "collateral_unsigned", message: "There is no pinned root that the revocation list could be of.")
        for anchor in anchors {
            do throws(VerificationError) {
                return try Self.validity(IntelRevocationList(item, issuer: anchor.certificate))
            } catch {
                refusal = error
            }
        }
        throw refusal
    }

    private static func validity(_ list: IntelRevocationList) throws(VerificationError) -> CollateralValidity {
        guard let end = list.list.nextUpdate else {
            throw VerificationError(
                code: "revocation_unknown", message: "The revocation list does not say when the next one is due.")
        }
        let number = list.list.number.flatMap { $0.count <= 8 ? $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } : nil }
        return try validity("revocation list", list.list.thisUpdate, end, number)
    }

    private static func validity(
        _ what: String, _ issued: Date, _ end: Date, _ number: UInt64?
    ) throws(VerificationError) -> CollateralValidity {
        guard issued < end else { throw .malformedCollateral(what, "it ends before it begins") }
        return CollateralValidity(issued: issued, nextUpdate: end, sequence: number)
    }
}

/// What a name of Intel's collateral stands for.
private enum IntelCollateralSubject {
    case tcbInfo(CollateralName.IntelQuoteKind, fmspc: [UInt8])
    case qeIdentity(CollateralName.IntelQuoteKind)
    case platformList(CollateralName.IntelPCKAuthority)
    case rootList

    init?(_ name: CollateralName) {
        if name == .intelRootRevocationList {
            self = .rootList
            return
        }
        for authority in CollateralName.IntelPCKAuthority.allCases where name == .intelPCKRevocationList(authority) {
            self = .platformList(authority)
            return
        }
        let segments = name.segments
        for channel in CollateralName.IntelUpdateChannel.allCases {
            for kind in CollateralName.IntelQuoteKind.allCases {
                if name == .intelQEIdentity(kind, channel: channel) {
                    self = .qeIdentity(kind)
                    return
                }
                guard segments.count == 5, let fmspc = try? Hex.decode(segments[3]), fmspc.count == 6 else { continue }
                if name == .intelTCBInfo(kind, fmspc: fmspc, channel: channel) {
                    self = .tcbInfo(kind, fmspc: fmspc)
                    return
                }
            }
        }
        return nil
    }
}
