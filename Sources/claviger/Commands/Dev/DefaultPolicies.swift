/// The policies that a development broker begins with: without an appraisal policy no attestation succeeds.
///
/// The text is that of Policies/default-cpu.yaml.
enum DefaultPolicies {
    static let appraisal = #"""
        # How evidence of the class "cpu" is graded when nobody asked for another appraisal policy.
        #
        # The numbers are those of AR4SI: executables 3 = approved, 33 = not recognised; hardware 2 = genuine, 97 = not
        # recognised; configuration 2 = known to be good, 36 = not known. Without reference values nothing is affirmed.
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
              when:
                - "claims.launch_digest in reference('launch_digest')"
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
              when:
                - "claims.debug == false"
          # Which containers the guest may run, as its verified init-data says.
          extensions:
            - name: ear.trustee.identifiers
              fields:
                - path: validated.container_images
                  omitEmpty: true
                  expression: >-
                    init_data_claims.agent_policy_claims.containers
                    .filter(c, has(c.OCI) && has(c.OCI.Annotations)
                      && "io.kubernetes.cri.image-name" in c.OCI.Annotations)
                    .map(c, c.OCI.Annotations["io.kubernetes.cri.image-name"])
                - path: validated.container_uids
                  omitEmpty: true
                  expression: >-
                    init_data_claims.agent_policy_claims.containers
                    .filter(c, has(c.OCI) && has(c.OCI.Process) && has(c.OCI.Process.User) && has(c.OCI.Process.User.UID))
                    .map(c, c.OCI.Process.User.UID)
        """#
}
