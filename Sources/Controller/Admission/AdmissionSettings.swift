/// How admission webhooks are served.
public struct AdmissionSettings: Sendable {
    /// Where certificate and key come from.
    public enum Certificates: Sendable, Hashable {
        /// A folder with `tls.crt` and `tls.key`, which somebody else renews.
        case folder(String)
        /// A Secret of this name, which the leader makes and renews.
        case secret(String)
    }

    /// The host name or address to listen on.
    public var host: String
    /// The port to listen on; 0 takes a free one.
    public var port: Int
    /// The Service's name, in the namespace of the Lease.
    public var service = "claviger-admission"
    /// Further host names by which API servers call, for webhook configurations with a `url`.
    public var hosts: [String] = []
    /// Where certificate and key come from.
    public var certificates = Certificates.secret("claviger-admission-tls")
    /// The ValidatingWebhookConfiguration that calls this service; nil for none.
    public var validatingWebhooks: String? = "claviger"
    /// The MutatingWebhookConfiguration that calls this service; nil for none.
    public var mutatingWebhooks: String? = "claviger"
    /// What is injected into pods.
    public var injection = InjectionSettings()
    /// A file with the certificates (PEM) that agents are told to trust in place of the settings' ones; read anew for each pod.
    public var authorityFile: String?
    /// Is told the port once calls are answered.
    public var onListening: @Sendable (_ port: Int) async -> Void = { _ in }
    /// For how long calls are still answered once the process is to end: API servers hear of that a little later.
    public var lingering: Duration = .seconds(5)

    /// Settings with all else as usual.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}
