import Encodings
import Foundation
import RATS
import X509TestSupport

/// What Intel's service would serve about a platform: everything is current and in order until it is changed.
package struct SimulatedIntelCollateral: Sendable {
    /// TCB infos by what they are for.
    package var tcbInfos: [CollateralName.IntelQuoteKind: TCBInfoDraft] = [:]
    /// Identities of quoting enclaves by what they are for.
    package var identities: [CollateralName.IntelQuoteKind: QEIdentityDraft] = [:]
    /// The lists of both authorities over platforms.
    package var platformList: RevocationListDraft
    /// The list of the root over its authorities.
    package var rootList: RevocationListDraft
    /// Who signs TCB infos and identities.
    package var documentSigner: TestIssuer
    /// Who signs the root's list.
    package var rootListSigner: TestIssuer
    /// Who signs the list of the platform's authority; that authority unless given.
    package var platformListSigner: TestIssuer?
    private let intel: SimulatedIntel

    /// The collateral for platforms of this description.
    package init(_ intel: SimulatedIntel, for platform: PlatformCertificateDraft = PlatformCertificateDraft()) {
        self.intel = intel
        let list = RevocationListDraft(
            thisUpdate: intel.now.addingTimeInterval(-86_400), nextUpdate: intel.now.addingTimeInterval(30 * 86_400))
        platformList = list
        rootList = list
        documentSigner = intel.documentSigner
        rootListSigner = intel.root
        for kind in CollateralName.IntelQuoteKind.allCases {
            tcbInfos[kind] = TCBInfoDraft(kind, for: platform, at: intel.now)
            identities[kind] = QEIdentityDraft(kind, at: intel.now)
        }
    }

    /// Changes both TCB infos.
    package mutating func changeTCBInfos(_ change: (inout TCBInfoDraft) -> Void) {
        for kind in tcbInfos.keys {
            guard var info = tcbInfos[kind] else { continue }
            change(&info)
            tcbInfos[kind] = info
        }
    }

    /// The signed items under their names, in both update channels.
    ///
    /// - Parameter fmspc: the family under whose name TCB infos are filed; the one that they are for unless given.
    package func items(filedUnder fmspc: [UInt8]? = nil) throws -> [CollateralName: CollateralItem] {
        var items: [CollateralName: CollateralItem] = [:]
        for channel in CollateralName.IntelUpdateChannel.allCases {
            for (kind, info) in tcbInfos {
                items[.intelTCBInfo(kind, fmspc: fmspc ?? info.fmspc, channel: channel)] = try document(
                    "tcbInfo", info.json())
            }
            for (kind, identity) in identities {
                items[.intelQEIdentity(kind, channel: channel)] = try document("enclaveIdentity", identity.json())
            }
        }
        for authority in CollateralName.IntelPCKAuthority.allCases {
            let issuer = intel.issuer(of: authority)
            items[.intelPCKRevocationList(authority)] = CollateralItem(
                body: try (platformListSigner ?? issuer).revocationList(platformList),
                issuerChain: [issuer.certificate.der, intel.root.certificate.der])
        }
        items[.intelRootRevocationList] = CollateralItem(body: try rootListSigner.revocationList(rootList))
        return items
    }

    private func document(_ member: String, _ content: JSONObject) throws -> CollateralItem {
        let signed = content.serialized()
        let signature = try documentSigner.key.sign(signed, .ecdsaRaw(.sha256))
        let body =
            Array("{\"\(member)\":".utf8) + signed + Array(",\"signature\":\"\(Hex.encode(signature))\"}".utf8)
        return CollateralItem(
            body: body, issuerChain: [documentSigner.certificate.der, intel.root.certificate.der])
    }
}
