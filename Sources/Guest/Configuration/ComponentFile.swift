import Glibc
public import JOSE

/// What a configuration file of the reference says, as far as this agent has a use for it: `aa.toml`, `cdh.toml`, or the
/// same as JSON.
///
/// Keys that are not known are ignored, as the reference does. Image settings in a `cdh.toml` are nothing to an agent that
/// pulls no images; they are listed, so that nobody believes them to be in force. The table `claviger` is this agent's own; guests have no other way to say it than such a file.
public struct ComponentFile: Sendable, Hashable {
    /// The broker's address.
    public var kbsURL: String?
    /// Certificates (PEM) that the broker is verified against.
    public var trustAnchorsPEM: String?
    /// The kind of TEE key.
    public var keyKind = JWEPrivateKey.Kind.ecP256
    /// The address to listen on, `unix:///…`.
    public var socket: String?
    /// Resources to be written to files at the start.
    public var credentials: [ProjectionTarget] = []
    /// Whether runtime events are to be logged.
    public var eventLogIsWanted = false
    /// Which register the log's first event extends.
    public var eventLogRegister = 17
    /// The least severity to log: `trace`, `debug`, `info`, `warn`, `error` or `off`.
    public var logLevel = "info"
    /// `claviger.allow_http`: an unprotected connection to the broker will do.
    public var allowHTTP = false
    /// `claviger.allow_sample`: evidence without hardware will do.
    public var allowSample = false
    /// The sections of the table `claviger`.
    public var agent = AgentFile()
    /// `skip_sealed_secret_verification`: sealed secrets are believed without a signature.
    public var skipsSealedSecretVerification = false

    /// Image settings of a `cdh.toml`, by their keys: they concern whoever pulls images, which this agent does not.
    public var unusedImageSettings: [String] = []

    /// A file that says nothing.
    public init() {}

    /// Reads an attestation-agent's file.
    ///
    /// - Throws: `GuestError` with `invalid_request`, naming the file and the key.
    public static func attestationAgent(path: String) throws(GuestError) -> ComponentFile {
        try attestationAgent(ConfigurationDocument(path: path))
    }

    /// Reads a confidential-data-hub's file.
    ///
    /// - Throws: `GuestError` with `invalid_request`, naming the file and the key.
    public static func confidentialDataHub(path: String) throws(GuestError) -> ComponentFile {
        try confidentialDataHub(ConfigurationDocument(path: path))
    }

    /// The files that kata's agent takes out of the measured init-data: its `cdh.toml`, else its `aa.toml`, else nil.
    ///
    /// - Parameter folder: where kata puts them.
    /// - Throws: `GuestError` with `invalid_request`, naming the file and the key.
    public static func measured(
        in folder: String = "/run/confidential-containers/initdata"
    ) throws(GuestError) -> ComponentFile? {
        if access(folder + "/cdh.toml", F_OK) == 0 { return try confidentialDataHub(path: folder + "/cdh.toml") }
        if access(folder + "/aa.toml", F_OK) == 0 { return try attestationAgent(path: folder + "/aa.toml") }
        return nil
    }

    static func attestationAgent(_ document: ConfigurationDocument) throws(GuestError) -> ComponentFile {
        var file = try common(document)
        file.kbsURL = try document.text("token_configs", "kbs", "url")
        file.trustAnchorsPEM = try document.text("token_configs", "kbs", "cert")
        if let name = try document.text("token_configs", "kbs", "tee_key_algorithm") {
            guard let kind = JWEPrivateKey.Kind(rawValue: name) else {
                throw document.error(["token_configs", "kbs", "tee_key_algorithm"], "names no known algorithm")
            }
            file.keyKind = kind
        }
        file.eventLogIsWanted = try document.flag("eventlog_config", "enable_eventlog") ?? false
        file.eventLogRegister = try document.number("eventlog_config", "init_pcr") ?? 17
        return file
    }

    static func confidentialDataHub(_ document: ConfigurationDocument) throws(GuestError) -> ComponentFile {
        var file = try common(document)
        file.socket = try document.text("socket")
        file.skipsSealedSecretVerification = try document.flag("skip_sealed_secret_verification") ?? false
        if let kind = try document.text("kbc", "name") {
            let address = try document.text("kbc", "url") ?? ""
            file.kbsURL = try KBCParameters.url(kind: kind, address: address)
        }
        file.trustAnchorsPEM = try document.text("kbc", "kbs_cert")
        file.unusedImageSettings = try document.names("image")
        for entry in try document.tables("credentials") {
            guard let uri = entry["resource_uri"]?.stringValue, let path = entry["path"]?.stringValue else {
                throw document.error(["credentials"], "needs resource_uri and path in each entry")
            }
            file.credentials.append(try CredentialFolder.target(uri: uri, path: path))
        }
        return file
    }

    private static func common(_ document: ConfigurationDocument) throws(GuestError) -> ComponentFile {
        var file = ComponentFile()
        file.logLevel = try document.text("log", "level") ?? "info"
        file.allowHTTP = try document.flag("claviger", "allow_http") ?? false
        file.allowSample = try document.flag("claviger", "allow_sample") ?? false
        if let table = document.root["claviger"]?.objectValue { file.agent = try AgentFile(table: table) }
        return file
    }
}
