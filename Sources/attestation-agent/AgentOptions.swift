import ArgumentParser

/// The command line. Nothing has a default here: what is missing may come from the environment.
struct AgentOptions: ParsableArguments {
    @Option(help: "Address of the key broker, for example https://broker:8080.")
    var kbsURL: String?

    @Option(
        help: "PEM file with the certificate authorities that the broker is verified against; default: the system's.")
    var kbsCert: String?

    @Flag(help: "Accept an http:// broker. Whoever can change packets can then keep the guest from its keys.")
    var allowHttp = false

    @Flag(help: "Use the sample attester, which proves nothing. For development only.")
    var allowSample = false

    @Option(help: "Where the REST face listens, or 'none'. Default: 127.0.0.1:8006.")
    var rest: String?

    @Option(help: "Path of a Unix socket for the REST face.")
    var restSocket: String?

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

    @Option(help: "Write a resource to a file: kbs:///repository/type/tag=/path. Can be repeated.")
    var project: [String] = []

    @Flag(help: "Allow projected files on file systems that are not memory-backed.")
    var allowDisk = false

    @Flag(help: "Remove projected files at the end.")
    var removeAtExit = false

    @Flag(help: "Fetch and write the projected files, then end.")
    var once = false

    @Option(help: "Seconds for which the REST face keeps a resource; 0 asks the broker each time. Default: 10.")
    var cacheSeconds: Double?

    @Option(help: "File with the init-data document (TOML) that the hardware measured.")
    var initData: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical. Default: info.")
    var logLevel: String?

    @Option(
        help: """
            File with resources, in place of a broker: JSON that maps repository/type/tag to base64. For tests and for \
            guests without network. Can be repeated.
            """)
    var offlineResources: [String] = []

    @OptionGroup(title: "Volumes") var volumes: VolumeOptions

    @OptionGroup(title: "gRPC")
    var grpc: GRPCOptions
}
