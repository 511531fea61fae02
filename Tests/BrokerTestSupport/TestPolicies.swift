/// Policy texts that tests apply.
public enum TestPolicies {
    /// Grades the sample attester as the shipped default does.
    public static let appraisal = """
        apiVersion: claviger.dev/v1alpha1
        kind: AppraisalPolicy
        metadata:
          name: default-cpu
        spec:
          class: cpu
          defaults: {executables: 33, hardware: 97, configuration: 36}
          rules:
            - tee: sample
              claim: executables
              value: 3
              when: ["claims.launch_digest in reference('launch_digest')"]
            - tee: sample
              claim: hardware
              value: 2
              when:
                - "claims.svn in reference('svn')"
                - "claims.platform_version.major == reference('major_version')"
                - "claims.platform_version.minor >= reference('minimum_minor_version')"
            - tee: sample
              claim: configuration
              value: 2
              when: ["claims.debug == false"]
        """

    /// Grades the sample device.
    public static let deviceAppraisal = """
        apiVersion: claviger.dev/v1alpha1
        kind: AppraisalPolicy
        metadata:
          name: default-gpu
        spec:
          class: gpu
          defaults: {executables: 33, hardware: 97, configuration: 36}
          rules:
            - {tee: sampledevice, claim: executables, value: 3, when: ["claims.svn in reference('device_svn')"]}
            - {tee: sampledevice, claim: hardware, value: 2, when: ["claims.svn in reference('device_svn')"]}
            - {tee: sampledevice, claim: configuration, value: 2, when: ["claims.svn in reference('device_svn')"]}
        """

    /// Releases everything to whoever attested.
    public static let allowAll = """
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata:
          name: allow-attested
        spec:
          match:
            resources: ["**"]
        """

    /// Releases everything to guests that are affirmed in all parts.
    public static let affirmingOnly = """
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata:
          name: affirming-only
        spec:
          match:
            resources: ["**"]
          require:
            status: affirming
        """

    /// Releases nothing, by a condition that is never true.
    public static let denyAll = """
        apiVersion: claviger.dev/v1alpha1
        kind: ClusterReleasePolicy
        metadata:
          name: allow-attested
        spec:
          match:
            resources: ["**"]
          validations:
            - expression: "1 == 2"
              message: "nothing is ever released"
        """

    /// Several documents in one stream.
    public static func stream(_ documents: String...) -> String { documents.joined(separator: "\n---\n") }
}
