/// What `claviger dev` prints when it serves.
struct DevGuide {
    let context: BrokerContext
    let isEphemeral: Bool

    var text: String {
        """

        The broker serves at \(context.url), with sample evidence believed: for development only.
        State folder: \(context.home)\(isEphemeral ? " (removed when this ends)" : "")

        In another terminal:

          export CLAVIGER_HOME=\(context.home)
          echo hello | claviger resource put demo/secret/1
          claviger resource get demo/secret/1 --allow-sample --force      # denied: no policy allows it yet
          claviger decisions list                                         # then: claviger explain ID
          claviger policy apply -f Policies/allow-attested.yaml
          claviger resource get demo/secret/1 --allow-sample --force

        Ctrl-C stops everything.

        """
    }
}
