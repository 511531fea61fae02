import ArgumentParser
import FoundationEssentials
import Guest
import GuestAPI
import Logging

/// What the program is to do, from command line and environment, checked.
struct AgentSettings: Sendable {
    var kbsURL: String
    var kbsCertificateFile: String?
    var allowHTTP: Bool
    var allowSample: Bool
    var restAddresses: [ListenAddress]
    var restFeatures: RESTFeatures
    var keyProvider: ListenAddress?
    var adminTokenFile: String?
    var keyScope: RegistrationScope
    var keyFolder: String?
    var projections: [ProjectionTarget]
    var allowDisk: Bool
    var removeAtExit: Bool
    var once: Bool
    var cacheSeconds: Double
    var initDataFile: String?
    var logLevel: Logger.Level

    init(_ options: AgentOptions, environment: [String: String]) throws {
        let variables = AgentVariables(environment)
        guard let url = options.kbsURL ?? variables.text("kbs-url") else {
            throw ValidationError("The broker's address is missing: --kbs-url")
        }
        kbsURL = url
        kbsCertificateFile = options.kbsCert ?? variables.text("kbs-cert")
        allowHTTP = try options.allowHttp || variables.flag("allow-http")
        allowSample = try options.allowSample || variables.flag("allow-sample")
        restFeatures = try Self.choice(options.restFeatures ?? variables.text("rest-features"), "rest-features") ?? .all
        adminTokenFile = options.keyproviderAdminTokenFile ?? variables.text("keyprovider-admin-token-file")
        keyFolder = options.keyproviderKeyFolder ?? variables.text("keyprovider-key-folder")
        allowDisk = try options.allowDisk || variables.flag("allow-disk")
        removeAtExit = try options.removeAtExit || variables.flag("remove-at-exit")
        once = try options.once || variables.flag("once")
        initDataFile = options.initData ?? variables.text("init-data")
        logLevel = try Self.choice(options.logLevel ?? variables.text("log-level"), "log-level") ?? .info
        cacheSeconds = try options.cacheSeconds ?? variables.number("cache-seconds") ?? 10
        do {
            restAddresses = try Self.restAddresses(
                options.rest ?? variables.text("rest"), socket: options.restSocket ?? variables.text("rest-socket"))
            keyProvider = try (options.keyprovider ?? variables.text("keyprovider")).map(ListenAddress.init)
            let scope = options.keyproviderScope ?? variables.text("keyprovider-scope")
            keyScope = try scope.map(RegistrationScope.init) ?? .standard
            let given = options.project.isEmpty ? variables.list("project") : options.project
            projections = try given.map(ProjectionTarget.init(argument:))
        } catch {
            throw ValidationError("\(error)")
        }
        guard (0...86_400).contains(cacheSeconds) else { throw ValidationError("--cache-seconds is 0 to 86400") }
        if once, projections.isEmpty { throw ValidationError("--once needs something to --project") }
    }

    private static func restAddresses(_ address: String?, socket: String?) throws -> [ListenAddress] {
        var addresses: [ListenAddress] = []
        let address = address ?? "127.0.0.1:8006"
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

/// The environment variables that stand for options.
struct AgentVariables {
    private let environment: [String: String]

    init(_ environment: [String: String]) {
        self.environment = environment
    }

    func text(_ option: String) -> String? {
        let name = "CLAVIGER_AGENT_" + String(option.uppercased().map { $0 == "-" ? "_" : $0 })
        return environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    func list(_ option: String) -> [String] {
        (text(option) ?? "").split { $0 == " " || $0 == "\n" }.map(String.init)
    }

    func flag(_ option: String) throws -> Bool {
        switch text(option)?.lowercased() {
        case nil, "0", "false", "no": return false
        case "1", "true", "yes": return true
        default: throw ValidationError("The variable for --\(option) is true or false")
        }
    }

    func number(_ option: String) throws -> Double? {
        guard let text = text(option) else { return nil }
        guard let number = Double(text) else { throw ValidationError("The variable for --\(option) is a number") }
        return number
    }
}
