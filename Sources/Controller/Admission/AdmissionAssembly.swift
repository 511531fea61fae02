import Kubernetes
import Logging

/// The parts of admission and how they are joined.
struct AdmissionAssembly: Sendable {
    let server: AdmissionServer
    /// What the leader does; nil where somebody else makes the certificates.
    let keeper: CertificateKeeper?
    let certificates: AdmissionCertificates

    /// - Parameter lookups: the way to profiles that are not followed yet. Whoever reaches the webhooks can have them asked for;
    ///   one of its own keeps everything else from waiting behind that.
    /// - Throws: `unreadable` when a file that is named cannot be used.
    init(
        _ settings: AdmissionSettings, profiles: any ObjectCache, controller: KubernetesSettings,
        api: any KubernetesAPI, lookups: (any KubernetesAPI)? = nil, environment: RuntimeEnvironment,
        metrics: ControllerMetrics, logger: Logger
    ) throws(ControllerError) {
        let namespace = controller.leaseNamespace
        let configurations = WebhookConfigurations(
            api: api, validating: settings.validatingWebhooks, mutating: settings.mutatingWebhooks)
        let source: any CertificateSource
        switch settings.certificates {
        case .folder(let path):
            source = CertificateFolder(path: path, environment: environment)
            keeper = nil
        case .secret(let name):
            source = CertificateSecret(
                api: api, namespace: namespace, name: name, environment: environment, logger: logger)
            keeper = CertificateKeeper(
                api: api, namespace: namespace, secret: name,
                names: ServiceNames(service: settings.service, namespace: namespace, others: settings.hosts),
                configurations: configurations,
                environment: environment, logger: logger)
        }
        certificates = AdmissionCertificates(
            source: source, configurations: configurations, environment: environment, metrics: metrics, logger: logger)
        var injection = settings.injection
        injection.excludedNamespaces.insert(namespace)
        injection.injector = settings.mutatingWebhooks
        let responder = AdmissionResponder(
            validator: ObjectValidator(settings: injection, now: environment.wallTime),
            injector: PodInjector(
                settings: injection,
                authorities: try settings.authorityFile.map { (path) throws(ControllerError) in
                    try AuthorityFile(path: path)
                },
                profiles: FollowedProfiles(cache: profiles, environment: environment) {
                    (key) async throws(KubernetesError) in
                    try await (lookups ?? api).get(.agentProfiles, namespace: key.namespace, name: key.name)
                }),
            metrics: metrics, logger: logger)
        server = AdmissionServer(
            settings, responder: responder, certificates: certificates, logger: logger,
            onListening: settings.onListening)
    }
}
