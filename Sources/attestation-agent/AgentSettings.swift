import ArgumentParser
import Encodings
import Guest
import GuestAPI
import JOSE
import Logging

/// What the program is to do, from command line and environment, checked.
struct AgentSettings: Sendable {
    /// Nil only in the roles of the guest components, which start without a broker too.
    var kbsURL: String?
    var kbsCertificateFile: String?
    /// Certificates (PEM) from a configuration file.
    var kbsCertificates: String?
    var keyKind: JWEPrivateKey.Kind
    var allowHTTP: Bool
    var allowSample: Bool
    var restAddresses: [ListenAddress]
    var restFeatures: RESTFeatures
    var keyProvider: ListenAddress?
    var attestationAgentSocket: ListenAddress?
    var confidentialDataHubSocket: ListenAddress?
    var attestationAgentGRPC: ListenAddress?
    var confidentialDataHubGRPC: ListenAddress?
    var peers: AllowedPeers
    var eventLogIsWanted: Bool
    var isReference: Bool
    var adminTokenFile: String?
    var keyScope: RegistrationScope
    var keyFolder: String?
    var projections: [ProjectionTarget]
    var allowDisk: Bool
    var removeAtExit: Bool
    var once: Bool
    var cacheSeconds: Double
    var initDataFile: String?
    /// Digest of the init-data, where the document itself was not given.
    var initDataDigest: [UInt8]?
    var logLevel: Logger.Level
    var volumes: VolumeSettings
    /// Files that hold all resources, in place of a broker.
    var offlineResources: [String]
    /// Settings of a configuration file that nobody here heeds.
    var unusedImageSettings: [String]

    init(_ options: AgentOptions, role: AgentRole, environment: [String: String]) throws {
        let variables = AgentVariables(environment)
        let file = try Self.file(role)
        isReference = role.isReference
        offlineResources =
            options.offlineResources.isEmpty ? variables.list("offline-resources") : options.offlineResources
        kbsURL =
            try options.kbsURL ?? variables.text("kbs-url")
            ?? (file.map(\.kbsURL) ?? Self.parameters(environment)?.url)
        guard kbsURL != nil || role.isReference || !offlineResources.isEmpty else {
            throw ValidationError("The broker's address is missing: --kbs-url")
        }
        kbsCertificateFile = options.kbsCert ?? variables.text("kbs-cert")
        kbsCertificates = kbsCertificateFile == nil ? file?.trustAnchorsPEM : nil
        keyKind = file?.keyKind ?? .ecP256
        eventLogIsWanted = file?.eventLogIsWanted ?? false
        allowHTTP = try options.allowHttp || variables.flag("allow-http") || file?.allowHTTP ?? false
        allowSample = try options.allowSample || variables.flag("allow-sample") || file?.allowSample ?? false
        restFeatures =
            try Self.choice(
                options.restFeatures ?? variables.text("rest-features") ?? role.restFeatures, "rest-features")
            ?? .all
        adminTokenFile = options.keyproviderAdminTokenFile ?? variables.text("keyprovider-admin-token-file")
        keyFolder = options.keyproviderKeyFolder ?? variables.text("keyprovider-key-folder")
        allowDisk = try options.allowDisk || variables.flag("allow-disk")
        removeAtExit = try options.removeAtExit || variables.flag("remove-at-exit")
        once = try options.once || variables.flag("once")
        initDataFile = role.initDataFile ?? options.initData ?? variables.text("init-data")
        initDataDigest = try initDataFile == nil ? role.initDataDigest.map(Self.digest) : nil
        logLevel =
            try Self.choice(options.logLevel ?? variables.text("log-level"), "log-level")
            ?? Self.referenceLevel(environment["RUST_LOG"]) ?? Self.referenceLevel(file?.logLevel) ?? .info
        volumes = try options.volumes.settings(variables)
        unusedImageSettings = file?.unusedImageSettings ?? []
        cacheSeconds = try options.cacheSeconds ?? variables.number("cache-seconds") ?? 10
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
            let scope = options.keyproviderScope ?? variables.text("keyprovider-scope")
            keyScope = try scope.map(RegistrationScope.init) ?? .standard
            let given = options.project.isEmpty ? variables.list("project") : options.project
            projections = try given.map(ProjectionTarget.init(argument:)) + (file?.credentials ?? [])
        } catch {
            throw ValidationError("\(error)")
        }
        guard (0...86_400).contains(cacheSeconds) else { throw ValidationError("--cache-seconds is 0 to 86400") }
        if once, projections.isEmpty { throw ValidationError("--once needs something to --project") }
    }

    private static func file(_ role: AgentRole) throws(AgentFailure) -> ComponentFile? {
        do throws(GuestError) {
            return try role.file()
        } catch {
            throw AgentFailure(error)
        }
    }

    private static func parameters(_ environment: [String: String]) throws(AgentFailure) -> KBCParameters? {
        do throws(GuestError) {
            return try KBCParameters.find(environment: environment, kernel: .current())
        } catch {
            throw AgentFailure(error)
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
