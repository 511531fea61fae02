import ArgumentParser

/// Where the guest components' services are offered over gRPC.
struct GRPCOptions: ParsableArguments {
    @Option(
        help: """
            Where the attestation-agent's service is offered over gRPC: 127.0.0.1:port or unix:/path. Default: nowhere. \
            gRPC tells nothing of the calling process: a port is open to every container of the pod.
            """)
    var aaGrpc: String?

    @Option(
        help: """
            Where the confidential-data-hub's services are offered over gRPC: 127.0.0.1:port or unix:/path. \
            Default: nowhere.
            """)
    var cdhGrpc: String?
}
