import ArgumentParser
import Controller
import Logging

/// Whether and how admission webhooks are served.
struct AdmissionOptions: ParsableArguments {
    @Option(name: .long, help: "HOST:PORT of the admission webhooks (TLS). Default: none are served.")
    var admissionAddress: String?

    @Option(name: .long, help: "Name of the Service before them, in the Lease's namespace.")
    var admissionService = "claviger-admission"

    @Option(
        name: .long, help: "A further host name in its certificate, for configurations with a url. Can be repeated.")
    var admissionHost: [String] = []

    @Option(
        name: .long,
        help: "Folder with tls.crt and tls.key, such as cert-manager's. Default: the leader makes them in a Secret.")
    var admissionCertificates: String?

    @Option(name: .long, help: "Name of that Secret, in the Lease's namespace.")
    var admissionSecret = "claviger-admission-tls"

    @Option(name: .long, help: "Name of the ValidatingWebhookConfiguration that calls them, or 'none'.")
    var validatingWebhooks = "claviger"

    @Option(name: .long, help: "Name of the MutatingWebhookConfiguration that calls them, or 'none'.")
    var mutatingWebhooks = "claviger"

    @OptionGroup(title: "Injection")
    var injection: InjectionOptions

    /// Nil when no webhooks are served.
    func settings(_ logger: Logger) throws -> AdmissionSettings? {
        guard let admissionAddress else { return nil }
        let address = try ClusterOptions.address(admissionAddress, "admission-address")
        var settings = AdmissionSettings(host: address.host, port: address.port)
        settings.service = admissionService
        settings.hosts = admissionHost
        settings.certificates = admissionCertificates.map { .folder($0) } ?? .secret(admissionSecret)
        settings.validatingWebhooks = validatingWebhooks == "none" ? nil : validatingWebhooks
        settings.mutatingWebhooks = mutatingWebhooks == "none" ? nil : mutatingWebhooks
        settings.injection = try injection.settings()
        settings.authorityFile = injection.agentCA
        if injection.agentAllowSample {
            logger.warning("injected agents show sample evidence, which proves nothing: never do this in production")
            ControllerMetrics().insecure(true)
        }
        return settings
    }
}
