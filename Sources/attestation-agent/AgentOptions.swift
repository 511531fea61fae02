import ArgumentParser

/// The command line. Nothing has a default here: what is missing may come from the environment.
struct AgentOptions: ParsableArguments {
    @Option(help: "Configuration file (TOML): every option here, and the secrets of the pod. See docs/agent.md.")
    var config: String?

    @OptionGroup var broker: BrokerOptions

    @Flag(help: "Use the sample attester, which proves nothing. For development only.")
    var allowSample = false

    @Option(help: "Where the REST face listens, or 'none'. Default: 127.0.0.1:8006.")
    var rest: String?

    @Option(help: "Path of a Unix socket for the REST face.")
    var restSocket: String?

    @Option(
        help: """
            Let processes of another user ask for paths on the REST socket: USER=/v1/resources/a/b/c, or USER=/v1/*. Can be \
            repeated. Root and the agent's own user may ask for everything. Without any, the socket file's mode decides.
            """)
    var restPeer: [String] = []

    @Option(help: "Routes of the REST face: resource, attestation or all. Default: all.")
    var restFeatures: String?

    @Option(help: "Where the image key provider (gRPC) listens: 127.0.0.1:port or unix:/path. Default: nowhere.")
    var keyprovider: String?

    @Option(help: "File with an admin token; lets the key provider wrap keys and register them at the broker.")
    var keyproviderAdminTokenFile: String?

    @Option(
        help:
            "Where the key provider may register keys: REPOSITORY or REPOSITORY/TYPE of resources. Default: default/image-kek."
    )
    var keyproviderScope: String?

    @Option(help: "Folder of key files that wrapping may name by keypath. Default: no file may be named.")
    var keyproviderKeyFolder: String?

    @Option(
        help: "Unix socket for the attestation-agent's ttrpc service (unix:///path), or 'none'. Default: nowhere.")
    var aaTtrpc: String?

    @Option(
        help: "Unix socket for the confidential-data-hub's ttrpc services (unix:///path), or 'none'. Default: nowhere.")
    var cdhTtrpc: String?

    @Option(
        help: """
            Let processes of another user call ttrpc methods: USER=/service/method, or USER=/service/*. Can be repeated. \
            Root and the agent's own user may call everything.
            """)
    var ttrpcPeer: [String] = []

    @OptionGroup var secrets: SecretOptions

    @Option(help: "File with the init-data document (TOML) that the hardware measured.")
    var initData: String?

    @OptionGroup(title: "Evidence") var attester: AttesterOptions

    @Option(help: "trace, debug, info, notice, warning, error or critical. Default: info.")
    var logLevel: String?

    @Option(
        help: """
            File with resources, in place of a broker: JSON that maps repository/type/tag to base64. For tests and for \
            guests without network. Can be repeated.
            """)
    var offlineResources: [String] = []

    @OptionGroup(title: "Measurement") var measurement: MeasurementOptions

    @OptionGroup(title: "Volumes") var volumes: VolumeOptions

    @OptionGroup(title: "gRPC")
    var grpc: GRPCOptions

    @OptionGroup(title: "Sealed secrets")
    var sealedSecrets: SealedSecretOptions
}
