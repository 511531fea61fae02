import ArgumentParser
import Encodings
import FoundationEssentials
import Verification
import X509Trust

extension ManifestFormat: ExpressibleByArgument {}

struct ReferenceVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a signed manifest as a broker would, and say what is in it.")

    @Argument(help: "The manifest, or - for standard input.")
    var manifest: String

    @Option(help: "How it is written: in-toto, corim or uvm.")
    var format: ManifestFormat

    @Option(parsing: .upToNextOption, help: "Files with the public keys that may have signed it, PEM.")
    var keys: [String] = []

    @Option(help: "The identifier of the holder of the certificate that signed it, did:x509:….")
    var did: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard keys.isEmpty != (did == nil) else { throw ValidationError("give either --keys or --did") }
    }

    func run() throws {
        let manifest = try verified()
        output.print(Self.json(manifest)) { Self.text(manifest) }
    }

    /// The manifest, when its signature is good.
    func verified() throws -> SignedManifest {
        let bytes = try InputFile.read(self.manifest, limit: SignedManifest.maximumBytes)
        let trusted = try keys.map { path in
            let pem = try InputFile.text(path, limit: 65_536)
            guard let key = try? PublicKey(pem: pem) else { throw CommandFailure("\(path) holds no public key in PEM") }
            return key
        }
        do throws(ManifestError) {
            let signer: ManifestSigner = if let did { .certificate(try X509DID(did)) } else { .keys(trusted) }
            return try SignedManifest(parsing: bytes, format: format, signer: signer, at: Date())
        } catch {
            throw CommandFailure("the manifest is refused (code: \(error.code)): \(error.message)", status: .denied)
        }
    }

    private static func json(_ manifest: SignedManifest) -> JSONValue {
        [
            "manifest": .string(manifest.id), "version": .int(manifest.version),
            "format": .string(manifest.format.rawValue), "digest": .string(manifest.digest),
            "signedBy": .string(manifest.signedBy), "signedAt": time(manifest.signedAt),
            "validFrom": time(manifest.validFrom), "validUntil": time(manifest.validUntil),
            "subject": manifest.subject.map { .string($0) } ?? .null,
            "builtBy": manifest.builtBy.map { .string($0) } ?? .null,
            "values": .array(manifest.values.map { ["name": .string($0.name), "value": $0.value] }),
        ]
    }

    private static func time(_ date: Date?) -> JSONValue { date.map { .string($0.formatted(.iso8601)) } ?? .null }

    private static func text(_ manifest: SignedManifest) -> String {
        var text =
            "manifest  \(manifest.id.printable)\nversion   \(manifest.version)\nsigned    by \(manifest.signedBy)"
        if let date = manifest.signedAt { text += " on \(date.formatted(.iso8601))" }
        if let date = manifest.validUntil { text += "\ncounts    until \(date.formatted(.iso8601))" }
        if let subject = manifest.subject { text += "\nof        \(subject.printable)" }
        if let builder = manifest.builtBy { text += "\nbuilt by  \(builder.printable)" }
        var table = Table(["NAME", "VALUE"])
        for value in manifest.values { table.add([value.name, value.value.serializedString().printable]) }
        return text + "\n" + table.text()
    }
}
