import ArgumentParser

/// Where the key broker is, and how this guest attests to it.
struct BrokerOptions: ParsableArguments {
    @Option(
        help: """
            Address of the key broker, for example https://broker:8080. Can be repeated: the first one that works is kept \
            to, and after a while the first of all is tried again.
            """)
    var kbsURL: [String] = []

    @Option(
        help: "PEM file with the certificate authorities that the broker is verified against; default: the system's.")
    var kbsCert: String?

    @Flag(help: "Accept an http:// broker. Whoever can change packets can then keep the guest from its keys.")
    var allowHttp = false

    @Option(help: "HTTP proxy to the broker, or 'none'. Default: what HTTPS_PROXY says.")
    var proxy: String?

    @Option(help: "Hosts reached without the proxy, separated by commas. Default: what NO_PROXY says.")
    var noProxy: String?

    @Option(help: "Seconds for name lookup, connection and TLS. Default: 10.")
    var connectTimeout: Double?

    @Option(help: "Seconds for one whole exchange with the broker. Default: 60.")
    var timeout: Double?

    @Option(help: "Seconds after which another address than the first is left for the first again. Default: 300.")
    var returnAfter: Double?

    @Option(
        help: """
            Kind of the key that resources are sealed to: ECDH-ES+A256KW-P256 (default), ECDH-ES+A256KW-P384, \
            ECDH-ES+A256KW-P521, RSA-OAEP-256, RSA-OAEP-256-3072 or ML-KEM-768+A192KW.
            """)
    var teeKeyAlgorithm: String?

    @Flag(help: "Renew the token only when somebody needs one, not ahead of its end.")
    var renewOnDemand = false
}
