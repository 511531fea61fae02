import RATS
import Verification

/// A setting of the verifiers that lets in more than an operator may expect of the default.
struct VerifierWarning: Sendable, Hashable {
    /// The setting in the configuration file, such as `verifiers.snp.minimumTCB`.
    let setting: String
    /// What is let in, and what to set.
    let message: String
}

extension VerifierConfiguration {
    /// What nobody can choose for a site, and the site has not chosen either.
    var warnings: [VerifierWarning] { [minimumFirmware, azureVersion].compactMap(\.self) }

    private var minimumFirmware: VerifierWarning? {
        let products = SNPTrustAnchors.amd.products.subtracting(snp.minimumTCB.keys).map(\.rawValue).sorted()
        guard !products.isEmpty, !Set(kinds).isDisjoint(with: [.snp, .azSNPvTPM, .svsmVTPM]) else { return nil }
        return VerifierWarning(
            setting: "verifiers.snp.minimumTCB",
            message: "SEV-SNP guests are believed on \(products.joined(separator: ", ")) with firmware of any age, "
                + "holes that are known included; set the oldest that is let in")
    }

    private var azureVersion: VerifierWarning? {
        guard azureMinimumVersion < 2, !Set(kinds).isDisjoint(with: [.azSNPvTPM, .azTDXvTPM]) else { return nil }
        return VerifierWarning(
            setting: "verifiers.azure.minimumVersion",
            message: "evidence from Azure is believed whose hardware report may be as old as the VM's boot; "
                + "set 2 where all guests send evidence of version 2")
    }
}
