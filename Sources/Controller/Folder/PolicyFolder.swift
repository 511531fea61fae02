import Encodings
import FoundationEssentials
import Policy

/// What a folder wants a broker to have.
struct WantedPolicies {
    /// The documents of the YAML files, in the order of the file names.
    var documents: [PolicyDocument] = []
    /// The signed bundles, with the bytes of their files.
    var bundles: [(content: PolicyBundleContent, file: [UInt8])] = []

    var isEmpty: Bool { documents.isEmpty && bundles.isEmpty }

    /// The identifiers of all documents, those of the bundles included.
    var identifiers: Set<String> {
        Set(documents.map(\.identifier)).union(bundles.flatMap { $0.content.documents.map(\.identifier) })
    }
}

/// The wanted policies as files in one folder, for example a mounted ConfigMap or a Git checkout: documents in `.yaml` and
/// `.yml` files, signed bundles in `.json` files.
public struct PolicyFolder: Sendable {
    /// Files beyond this size are refused, in bytes.
    public static let maximumFileBytes = PolicyParser.maximumBytes

    private let path: String

    /// Names the folder; it is read anew at each pass.
    public init(path: String) {
        self.path = path
    }

    /// What stands directly in the folder; signatures are for the broker to check.
    ///
    /// Hidden names are left out, and with them the `..data` links by which the kubelet swaps a volume's content.
    ///
    /// - Throws: `ControllerError`, `unreadable` or `invalid` with file, line and column of each finding.
    func wanted() throws(ControllerError) -> WantedPolicies {
        var wanted = WantedPolicies()
        var places: [String: String] = [:]
        for name in try fileNames() {
            let identifiers: [String]
            if name.hasSuffix(".json") {
                let bundle = try bundle(name)
                wanted.bundles.append(bundle)
                identifiers = ["the bundle \(bundle.content.name)"] + bundle.content.documents.map(\.identifier)
            } else {
                let documents = try parse(name)
                wanted.documents += documents
                identifiers = documents.map(\.identifier)
            }
            for identifier in identifiers {
                if let other = places.updateValue(name, forKey: identifier) {
                    throw ControllerError(
                        code: "invalid", message: "\(identifier) stands in \(other) and again in \(name).")
                }
            }
        }
        return wanted
    }

    private func fileNames() throws(ControllerError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { name in
                    !name.hasPrefix(".") && [".yaml", ".yml", ".json"].contains { name.hasSuffix($0) }
                }.sorted()
        } catch {
            throw ControllerError(code: "unreadable", message: "The folder \(path) cannot be read.")
        }
    }

    private func parse(_ name: String) throws(ControllerError) -> [PolicyDocument] {
        guard let text = String(validating: try bytes(name), as: UTF8.self) else {
            throw ControllerError(code: "invalid", message: "\(name) is not UTF-8.")
        }
        do {
            return try PolicyParser.parse(text, source: name)
        } catch {
            throw ControllerError(code: "invalid", message: error.description)
        }
    }

    private func bundle(
        _ name: String
    ) throws(ControllerError) -> (content: PolicyBundleContent, file: [UInt8]) {
        let file = try bytes(name)
        do {
            return (try SignedPolicyBundle(parsing: file).content, file)
        } catch {
            throw ControllerError(code: "invalid", message: "\(name): \(error.message)")
        }
    }

    private func bytes(_ name: String) throws(ControllerError) -> [UInt8] {
        do throws(BoundedFileError) {
            return try BoundedFile.bytes("\(path)/\(name)", limit: Self.maximumFileBytes)
        } catch {
            throw ControllerError(code: error.code == .tooLarge ? "invalid" : "unreadable", message: error.message)
        }
    }
}
