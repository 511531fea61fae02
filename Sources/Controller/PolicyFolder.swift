import FoundationEssentials
import Glibc
import Policy

/// The wanted policies as YAML files in one folder, for example a mounted ConfigMap or a Git checkout.
public struct PolicyFolder: Sendable {
    /// Files beyond this size are refused, in bytes.
    public static let maximumFileBytes = PolicyParser.maximumBytes

    private let path: String

    /// Names the folder; it is read anew at each ``documents()``.
    public init(path: String) {
        self.path = path
    }

    /// The documents of all `.yaml` and `.yml` files directly in the folder, in the order of the file names.
    ///
    /// Hidden names are left out, and with them the `..data` links by which the kubelet swaps a volume's content.
    ///
    /// - Throws: `ControllerError`, `unreadable` or `invalid` with file, line and column of each finding.
    public func documents() throws(ControllerError) -> [PolicyDocument] {
        var documents: [PolicyDocument] = []
        var places: [String: String] = [:]
        for name in try fileNames() {
            for document in try parse(name) {
                if let other = places.updateValue(name, forKey: document.identifier) {
                    throw ControllerError(
                        code: "invalid", message: "\(document.identifier) stands in \(other) and again in \(name).")
                }
                documents.append(document)
            }
        }
        return documents
    }

    private func fileNames() throws(ControllerError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { !$0.hasPrefix(".") && ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) }.sorted()
        } catch {
            throw ControllerError(code: "unreadable", message: "The folder \(path) cannot be read.")
        }
    }

    private func parse(_ name: String) throws(ControllerError) -> [PolicyDocument] {
        let file = "\(path)/\(name)"
        var status = stat()
        guard stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ControllerError(code: "unreadable", message: "\(name) is no file.")
        }
        let isTooLong = status.st_size > Self.maximumFileBytes
        guard let data = isTooLong ? Data() : FileManager.default.contents(atPath: file) else {
            throw ControllerError(code: "unreadable", message: "\(name) cannot be read.")
        }
        guard !isTooLong, data.count <= Self.maximumFileBytes, let text = String(validating: data, as: UTF8.self) else {
            throw ControllerError(
                code: "invalid", message: "\(name) is not UTF-8 of at most \(Self.maximumFileBytes) bytes.")
        }
        do {
            return try PolicyParser.parse(text, source: name)
        } catch {
            throw ControllerError(code: "invalid", message: error.description)
        }
    }
}
