import Broker
import BrokerAPI
import Encodings
import FoundationEssentials
import Logging
import ServiceLifecycle
import Storage
import Telemetry

/// A database and a broker in this process, from start to end.
struct DevelopmentBroker: Service {
    let folder: DevFolder
    let port: Int
    let readyFile: String?
    let logger: Logger
    let metrics: MetricsRegistry

    func run() async throws {
        Terminal.note("starting PostgreSQL in \(folder.database)")
        let postgres = try await PrivatePostgres.start(
            dataDirectory: folder.database, options: .init(isDisposable: folder.isEphemeral))
        do {
            try await serve(database: postgres.dsn)
        } catch {
            await postgres.stop()
            throw error
        }
        await postgres.stop()
    }

    private func serve(database: String) async throws {
        let settings = configuration(database: database)
        let broker = try await Broker.open(settings, metrics: BrokerMetrics(factory: metrics), logger: logger)
        let server = try BrokerServer(
            configuration: settings, broker: broker, metrics: metrics, logger: logger,
            onListening: { address in ready(address) })
        let services: [any Service] = [broker, server, TokenRenewal(folder: folder)]
        try await ServiceGroup(configuration: .init(services: services, logger: logger)).run()
    }

    private func ready(_ address: ListenAddress) {
        do {
            let context = BrokerContext(
                url: "https://localhost:\(address.port)", caFile: folder.certificateAuthority,
                tokenFile: folder.adminToken, home: folder.path)
            try folder.announce(context, readyFile: readyFile)
            Terminal.write(DevGuide(context: context, isEphemeral: folder.isEphemeral).text)
        } catch {
            Terminal.complain(CommandFailure(describing: error)?.message ?? String(describing: error))
        }
    }

    private func configuration(database: String) -> BrokerConfiguration {
        var settings = BrokerConfiguration()
        settings.listen = ["127.0.0.1:\(port)"]
        settings.transport.certificateFile = folder.serverCertificate
        settings.transport.keyFile = folder.serverKey
        settings.database.url = database
        settings.keyEncryptionKeyFile = folder.keyEncryptionKeys
        settings.attestation.allowSample = true
        settings.admin.mode = .authenticated
        settings.admin.identityProviders = [
            IdentityProviderConfiguration(
                issuer: "claviger-admin", audience: "claviger", publicKeyFile: folder.adminPublicKey)
        ]
        settings.admin.accessList = ["/kbs", "/claviger"].map {
            AccessRuleConfiguration(role: "admin", allowedEndpoints: "^\($0)/.+$")
        }
        return settings
    }
}

/// Keeps the admin token of a development broker fresh.
struct TokenRenewal: Service {
    let folder: DevFolder

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await Task.sleep(for: DevFolder.tokenLifetime / 2)
                } catch {
                    return
                }
                try folder.renewToken()
            }
        }
    }
}
