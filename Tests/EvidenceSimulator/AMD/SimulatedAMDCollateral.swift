import RATS
import Verification
import X509TestSupport

extension SimulatedAMD {
    /// A revocation list of the root that names nobody, was made a day before and lasts a month, unless it is changed.
    ///
    /// - Parameter signer: who signs it, the root unless given.
    package func revocationList(
        signer: TestIssuer? = nil, _ change: (inout RevocationListDraft) -> Void = { _ in }
    ) throws -> [UInt8] {
        var draft = RevocationListDraft(
            thisUpdate: now.addingTimeInterval(-86_400), nextUpdate: now.addingTimeInterval(30 * 86_400),
            extensions: [.listNumber(4)])
        change(&draft)
        return try (signer ?? root).revocationList(draft)
    }

    /// What the key distribution service would serve: the list, a current one unless given, and certificates of chips.
    package func collateral(
        list: [UInt8]? = nil, keys: [SimulatedEndorsementKey] = []
    ) throws -> [CollateralName: CollateralItem] {
        var items: [CollateralName: CollateralItem] = [:]
        let list = try list ?? revocationList()
        for kind in SNPEndorsementKeyKind.allCases {
            guard let name = CollateralName.amdRevocationList(product: product.collateralName, kind: kind) else {
                continue
            }
            items[name] = CollateralItem(body: list)
        }
        for key in keys where key.draft.kind == .vcek {
            let name = CollateralName.amdVCEK(
                product: product.collateralName, hardwareID: key.draft.hardwareID,
                levels: key.draft.levels.collateralLevels)
            guard let name else { continue }
            items[name] = CollateralItem(body: key.certificate)
        }
        return items
    }
}
