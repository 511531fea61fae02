import ArgumentParser
import Encodings
import Guest
import GuestAPI
import Logging

/// What the program is to do, from command line and environment, checked.
struct AgentSettings: Sendable {
    var broker: BrokerSettings
    var allowSample: Bool
    var attester: AttesterSettings
    var restAddresses: [ListenAddress]
    var restFeatures: RESTFeatures
    /// Nil leaves it to the socket file's mode who may ask.
    var restPeers: AllowedPeers?
    var keyProvider: ListenAddress?
    var attestationAgentSocket: ListenAddress?
    var confidentialDataHubSocket: ListenAddress?
    var attestationAgentGRPC: ListenAddress?
    var confidentialDataHubGRPC: ListenAddress?
    var peers: AllowedPeers
    var measurement: MeasurementSettings
    /// What evidence shows of the event log.
    var loggedEvents: LoggedEvents
    var isReference: Bool
    var adminTokenFile: String?
    var keyScope: RegistrationScope
    var keyFolder: String?
    var secrets: SecretSettings
    var initDataFile: String?
    /// Digest of the init-data, where the document itself was not given.
    var initDataDigest: [UInt8]?
    var logLevel: Logger.Level
    var sealedSecrets: SealedSecretSettings
    var volumes: VolumeSettings
    /// Files that hold all resources, in place of a broker.
    var offlineResources: [String]
    /// Settings of a configuration file that nobody here heeds.
    var unusedImageSettings: [String]

    init(_ options: AgentOptions, role: AgentRole, environment: [String: String]) throws {
        let file = try Self.file(role)
        let variables = AgentVariables(
            environment, files: try Self.files(options, environment, file, role),
            mayWeaken: role.heedsWeakeningVariables)
        isReference = role.isReference
        offlineResources =
            options.offlineResources.isEmpty ? variables.list("offline-resources") : options.offlineResources
        broker = try BrokerSettings(
            options.broker, variables, file: file, isRequired: role.needsBroker && offlineResources.isEmpty,
            environment: environment)
        secrets = try SecretSettings(options.secrets, variables, file: file)
        measurement = try MeasurementSettings(
            options.measurement, file: role.keepsEventLog ? file : nil, variables: variables, environment: environment)
        allowSample = try options.allowSample || variables.flag("allow-sample") || file?.allowSample ?? false
        attester = try options.attester.settings(allowSample: allowSample, variables, environment)
        loggedEvents = LoggedEvents(measurement.eventLogPath)
        attester.agentEvents = loggedEvents.entries
        restFeatures =
            try Self.choice(
                options.restFeatures ?? variables.text("rest-features") ?? role.restFeatures, "rest-features")
            ?? .all
        adminTokenFile = options.keyproviderAdminTokenFile ?? variables.text("keyprovider-admin-token-file")
        keyFolder = options.keyproviderKeyFolder ?? variables.text("keyprovider-key-folder")
        initDataFile = role.initDataFile ?? options.initData ?? variables.text("init-data")
        initDataDigest = try initDataFile == nil ? role.initDataDigest.map(Self.digest) : nil
        logLevel =
            try Self.choice(options.logLevel ?? variables.text("log-level"), "log-level")
            ?? Self.referenceLevel(environment["RUST_LOG"]) ?? Self.referenceLevel(file?.logLevel) ?? .info
        volumes = try options.volumes.settings(variables)
        unusedImageSettings = file?.unusedImageSettings ?? []
        do {
            restAddresses = try Self.restAddresses(
                options.rest ?? variables.text("rest") ?? role.restAddress,
                socket: options.restSocket ?? variables.text("rest-socket"))
            keyProvider = try Self.address(options.keyprovider ?? variables.text("keyprovider"))
            attestationAgentSocket = try Self.address(
                options.aaTtrpc ?? variables.text("aa-ttrpc") ?? role.attestationAgentSocket)
            confidentialDataHubSocket = try Self.address(
                options.cdhTtrpc ?? variables.text("cdh-ttrpc") ?? role.confidentialDataHubSocket(file))
            attestationAgentGRPC = try Self.address(options.grpc.aaGrpc ?? variables.text("aa-grpc"))
            confidentialDataHubGRPC = try Self.address(options.grpc.cdhGrpc ?? variables.text("cdh-grpc"))
            let permissions = options.ttrpcPeer.isEmpty ? variables.list("ttrpc-peer") : options.ttrpcPeer
            peers = AllowedPeers(try permissions.map(PeerPermission.init))
            let restPermissions = options.restPeer.isEmpty ? variables.list("rest-peer") : options.restPeer
            restPeers =
                restPermissions.isEmpty ? nil : AllowedPeers(try restPermissions.map(PeerPermission.init))
            let scope = options.keyproviderScope ?? variables.text("keyprovider-scope")
            keyScope = try scope.map(RegistrationScope.init) ?? .standard
        } catch {
            throw ValidationError("\(error)")
        }
        if role.servesREST(on: restAddresses) {
            restAddresses = try Self.known(
                restAddresses, to: restPeers,
                isTCPWanted: (options.rest ?? variables.text("rest") ?? role.wantedRESTAddress) != nil)
        }
        sealedSecrets = try SealedSecretSettings(
            options.sealedSecrets, variables, file: file, role: role, environment: environment)
        guard !secrets.once || !secrets.isEmpty || !sealedSecrets.files.isEmpty else {
            throw ValidationError(
                "--once needs something to --project or --unseal, or a [[secret]] in the configuration")
        }
    }

    private static func file(_ role: AgentRole) throws(AgentFailure) -> ComponentFile? {
        do throws(GuestError) {
            return try role.file()
        } catch {
            throw AgentFailure(error)
        }
    }

    /// The agent's own file, and what a file of the reference has for this agent.
    private static func files(
        _ options: AgentOptions, _ environment: [String: String], _ file: ComponentFile?, _ role: AgentRole
    ) throws(AgentFailure) -> [AgentFile] {
        guard let path = options.config ?? AgentVariables(environment).text("config") else {
            return [file?.agent].compactMap { $0 }
        }
        let own: AgentFile
        do throws(GuestError) {
            own = try AgentFile(path: path)
        } catch {
            throw AgentFailure(error)
        }
        if options.config == nil, !role.heedsWeakeningVariables { try refuseWeakening(own, at: path) }
        return [own, file?.agent].compactMap { $0 }
    }

    /// A file that a variable chose, which others may write, has no more to say than a variable.
    private static func refuseWeakening(_ file: AgentFile, at path: String) throws(AgentFailure) {
        let options = AgentVariables.weakening.filter { file.values(of: $0).contains { $0 != "false" } }.sorted()
        guard options.isEmpty else {
            throw AgentFailure(
                AgentFailure.badSetting,
                "\(path), which the environment names, may not set \(options.joined(separator: ", ")) for this command: "
                    + "name the file with --config, or give the option on the command line.")
        }
    }

    private static func digest(_ text: String) throws -> [UInt8] {
        guard let digest = try? Base64.decode(text), !digest.isEmpty, digest.count <= 64 else {
            throw ValidationError("--initdata-digest is base64 of 1 to 64 bytes")
        }
        return digest
    }

    /// The levels of the reference. Its `RUST_LOG` can also have one for each module, which means nothing here.
    private static func referenceLevel(_ name: String?) -> Logger.Level? {
        switch name?.lowercased() {
        case "off": .critical
        case "warn": .warning
        case let name?: Logger.Level(rawValue: name)
        case nil: nil
        }
    }

    private static func address(_ text: String?) throws -> ListenAddress? {
        try text.flatMap { try $0 == "none" ? nil : ListenAddress($0) }
    }

    private static func restAddresses(_ address: String, socket: String?) throws -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        if address != "none" { addresses.append(try ListenAddress(address)) }
        if let socket { addresses.append(try ListenAddress(socket.hasPrefix("unix:") ? socket : "unix:\(socket)")) }
        return addresses
    }

    /// Where callers are named, only Unix sockets serve: on TCP nobody knows whose request it is.
    private static func known(
        _ addresses: [ListenAddress], to peers: AllowedPeers?, isTCPWanted: Bool
    ) throws(AgentFailure) -> [ListenAddress] {
        guard peers != nil else { return addresses }
        let sockets = addresses.filter(\.isUnixSocket)
        guard sockets.count == addresses.count || !isTCPWanted else {
            throw AgentFailure(
                AgentFailure.badSetting,
                "--rest-peer names who may ask, and TCP does not tell who asks: give --rest a Unix socket or 'none'.")
        }
        guard !sockets.isEmpty else {
            throw AgentFailure(
                AgentFailure.badSetting,
                "--rest-peer names who may ask on a Unix socket, and there is none: name it with --rest-socket.")
        }
        return sockets
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: String?, _ name: String
    ) throws -> Choice? {
        guard let text else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--\(name) is one of \(choices)")
        }
        return choice
    }
}
