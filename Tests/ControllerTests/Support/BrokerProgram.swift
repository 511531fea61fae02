import AdminClient
import Encodings
import Foundation
import JOSE
import KubernetesTestSupport
import TestPrograms
import TestSupport

/// The built `claviger-broker` as a process, which believes an administrator and the service accounts of a cluster.
struct BrokerProgram {
    static let program = BuiltProgram("claviger-broker")
    static let audience = "claviger-broker"

    let url: String
    let admin: AdminClient
    private let process: RunningProgram

    /// Starts it and waits until it listens.
    static func start(_ store: TestDatabase, for server: FakeAPIServer, in folder: URL) async throws -> BrokerProgram {
        guard let program else { throw NeverCameToBe() }
        let key = try SigningKey.generate(.edDSA)
        let file = folder.appending(path: "broker.yaml")
        try Data(configuration(server, key, in: folder).utf8).write(to: file)
        let process = try program.start(["--config", file.path], environment: ["CLAVIGER_DATABASE_URL": store.dsn])
        let port = try await listeningPort(of: process)
        let url = "http://127.0.0.1:\(port)"
        let token = try AdminToken.sign(.init(), with: key)
        return BrokerProgram(
            url: url, admin: try AdminClient(.init(url: url, token: token, insecureHTTPAllowed: true)), process: process
        )
    }

    /// The port that a program says it listens on.
    static func listeningPort(of process: RunningProgram) async throws -> Int {
        @Sendable func port() -> Int? {
            let line = process.errorText.split(separator: "\n").first { $0.contains("\"listening\"") }
            return line?.firstMatch(of: /"port":"?(\d+)/).flatMap { Int($0.1) }
        }
        try await eventually { port() != nil || !process.isRunning }
        guard let port = port() else {
            struct Ended: Error { let log: String }
            throw Ended(log: process.errorText)
        }
        return port
    }

    private static func configuration(_ server: FakeAPIServer, _ key: SigningKey, in folder: URL) throws -> String {
        func write(_ name: String, _ text: String) throws -> String {
            let file = folder.appending(path: name)
            _ = FileManager.default.createFile(
                atPath: file.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
            return file.path
        }
        let kek = try write("kek", "one:\(Base64.encode(SecretBytes.random(count: 32).copyBytes()))\n")
        return """
            listen: ["127.0.0.1:0"]
            keyEncryptionKeyFile: \(kek)
            transport: {insecurePlaintext: true}
            attestation: {allowSample: true}
            admin:
              mode: AuthenticatedAuthorization
              identityProviders:
                - issuer: \(AdminToken.defaultIssuer)
                  audience: \(AdminToken.defaultAudience)
                  publicKeyFile: \(try write("admin.pub", key.publicPEM))
                - kubernetes:
                    issuer: \(server.baseURL)
                    audience: \(audience)
                    discovery: true
                    caFile: \(try write("cluster-ca.pem", server.authorityPEM))
                    tokenFile: \(try write("issuer-token", server.cluster.adminToken))
                    roles: [{subject: "system:serviceaccount:claviger:claviger-controller", role: controller}]
              accessList:
                - {role: admin, allowedEndpoints: "^/claviger/.+$"}
                - {role: controller, allowedEndpoints: "^/claviger/v1/sources/east/policies$", methods: [PUT]}
                - role: controller
                  allowedEndpoints: "^/claviger/v1/sources/east/secrets/[^/]+/[^/]+$"
                  methods: [PUT, DELETE]
                - {role: controller, allowedEndpoints: "^/claviger/v1/policies/status$", methods: [GET]}

            """
    }
}
