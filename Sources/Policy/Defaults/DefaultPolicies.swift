/// The appraisal policies that a fresh broker begins with: without any, no attestation succeeds. They grade evidence and
/// release nothing.
///
/// The texts are the files of the folder Policies, to which the links beside this file lead.
public enum DefaultPolicies {
    /// One YAML stream of AppraisalPolicy documents, one for each class that has a default (kbs-protocol 5.3).
    public static var text: String {
        [
            PackageResources.default_cpu_yaml, PackageResources.default_gpu_yaml,
            PackageResources.default_switch_yaml, PackageResources.default_ppcie_yaml,
        ].map { String(decoding: $0, as: UTF8.self) }.joined(separator: "---\n")
    }
}
