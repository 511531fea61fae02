import ArgumentParser
import Encodings
import JOSE
import Measurement
import Verification
import X509Trust

struct PEFCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pef", abstract: "Make and look at ESM blobs of OpenPOWER secure guests.",
        subcommands: [PEFCreateCommand.self, PEFInspectCommand.self])
}

struct PEFCreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make the ESM blob of a secure guest for known machines.",
        discussion: """
            A machine lets the guest run only when firmware services, kernel, initrd and command line are these, and hands the \
            files over then. The statement says what is in the blob, signed by its owner: brokers need it, since the blob \
            itself is encrypted. To take a machine away, make a new blob without it and revoke the old one.
            """)

    @Option(help: "The run-time services of the firmware (rtas.bin).")
    var rtas: String

    @Option(help: "The kernel as objcopy -O binary -S writes it.")
    var kernel: String

    @Option(help: "The first file system.")
    var initrd: String

    @Option(help: "The kernel's command line, all of it.")
    var cmdline: String

    @Option(help: "The file with a machine's public key (RSA, PEM); once for each machine.")
    var machineKey: [String]

    @Option(help: "The file with your own public key (RSA, PEM), which can open the blob again.")
    var originKey: String

    @Option(name: .customLong("file"), help: "A file for the guest, as NAME=PATH.")
    var files: [String] = []

    @Option(help: "The file with your private key that signs the statement: EC or Ed25519, PEM, not encrypted.")
    var ownerKey: String

    @Option(name: [.customShort("o"), .long], help: "The file to write the blob to; one that exists is replaced.")
    var output: String

    @Option(help: "The file to write the statement to; one that exists is replaced.")
    var statement: String

    func run() throws {
        let owner = try SigningKey(pem: InputFile.text(ownerKey, limit: 65_536))
        let request = try request()
        let blob = try request.blob().serialized()
        let text = try ESMStatement(
            blob: blob, machines: Set(request.machines.map(\.fingerprint)), digests: request.digests.json
        ).signed(with: owner)
        try PrivateFile.replace(output, blob, mode: 0o644)
        try PrivateFile.replace(statement, Array(text.utf8), mode: 0o644)
        Terminal.note("wrote \(output): \(blob.count) bytes, for \(request.machines.count) machines")
    }

    func request() throws -> ESMBlobRequest {
        let digests = try ESMDigests(
            rtas: FileArtifact(rtas), kernel: FileArtifact(kernel), initrd: FileArtifact(initrd), bootArguments: cmdline
        )
        var request = ESMBlobRequest(
            origin: .init(try Self.key(originKey)), machines: try machineKey.map { .init(try Self.key($0)) },
            digests: digests)
        for text in files {
            guard let separator = text.firstIndex(of: "="), separator != text.startIndex else {
                throw ValidationError("--file takes NAME=PATH")
            }
            let path = String(text[text.index(after: separator)...])
            request.files.append(
                (String(text[..<separator]), SecretBytes(try InputFile.read(path, limit: 1 << 20))))
        }
        return request
    }

    private static func key(_ path: String) throws -> PublicKey {
        guard let key = try? PublicKey(pem: InputFile.text(path, limit: 65_536)) else {
            throw CommandFailure("\(path) holds no public key in PEM")
        }
        return key
    }
}
