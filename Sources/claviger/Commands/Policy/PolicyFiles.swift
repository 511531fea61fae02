import Encodings
import FoundationEssentials
import Policy
import PolicyTesting

/// Policy texts from files, folders and standard input.
struct PolicyFiles {
    /// One text and where it came from.
    struct Source {
        let name: String
        let text: String
    }

    let sources: [Source]

    /// Reads files (`-` is standard input); of a folder, its `.yaml` and `.yml` files but no tests.
    init(_ paths: [String]) throws {
        sources = try paths.flatMap { try Self.files($0) }.map { path in
            Source(
                name: path == "-" ? "<stdin>" : path,
                text: try InputFile.text(path, limit: PolicyParser.maximumBytes))
        }
        guard !sources.isEmpty else {
            throw CommandFailure("there is no .yaml file in \(paths.joined(separator: ", "))")
        }
    }

    private init(sources: [Source]) { self.sources = sources }

    /// The signed bundles among the sources, and the rest if there is any.
    func separatingBundles() -> (bundles: [Source], rest: PolicyFiles?) {
        let bundles = sources.filter { SignedPolicyBundle.isOne($0.text) }
        let rest = sources.filter { !SignedPolicyBundle.isOne($0.text) }
        return (bundles, rest.isEmpty ? nil : PolicyFiles(sources: rest))
    }

    /// The policies of all sources, and everything that is wrong with them and with documents that are no policies.
    func parseAll() -> (documents: [PolicyDocument], otherCount: Int, diagnostics: [PolicyDiagnostic]) {
        var others = 0
        let parsed = parse { source throws(PolicyError) in
            let read = try ResourceParser.parse(source.text, source: source.name)
            let policies = read.compactMap(\.policy)
            others += read.count - policies.count
            return policies
        }
        return (parsed.documents, others, parsed.diagnostics)
    }

    /// The documents of all sources, and everything that is wrong with them.
    func parse() -> (documents: [PolicyDocument], diagnostics: [PolicyDiagnostic]) {
        parse { source throws(PolicyError) in try PolicyParser.parse(source.text, source: source.name) }
    }

    private func parse(
        _ read: (Source) throws(PolicyError) -> [PolicyDocument]
    ) -> (documents: [PolicyDocument], diagnostics: [PolicyDiagnostic]) {
        var documents: [PolicyDocument] = []
        var diagnostics: [PolicyDiagnostic] = []
        for source in sources {
            do {
                documents += try read(source)
            } catch {
                diagnostics += error.diagnostics
            }
        }
        guard diagnostics.isEmpty else { return (documents, diagnostics) }
        do {
            _ = try PolicyBundle(documents)
        } catch {
            diagnostics += error.diagnostics
        }
        return (documents, diagnostics)
    }

    /// The documents; throws what is wrong with them.
    func documents() throws -> [PolicyDocument] {
        let parsed = parse()
        guard parsed.diagnostics.allSatisfy({ $0.severity != .error }) else {
            throw PolicyError(diagnostics: parsed.diagnostics)
        }
        return parsed.documents
    }

    private static func files(_ path: String) throws -> [String] {
        var isFolder = false
        guard path != "-", FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder else {
            return [path]
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        let policies = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        return policies.filter { !PolicyTestSuite.isTest(fileName: $0) }.map { "\(path)/\($0)" }
    }
}

extension PolicyDocument {
    /// The text with one line feed at its end, however many blank lines stand between documents of a file.
    var tidyText: String { Self.tidy(text) }

    /// A stored text for people: what came in a signed bundle is kept as JSON.
    static func tidy(_ text: String) -> String {
        if text.hasPrefix("{"), let json = try? JSONValue(parsing: text) { return YAMLText.text(json) }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        while lines.last?.allSatisfy({ $0 == " " }) == true { lines.removeLast() }
        return lines.joined(separator: "\n") + "\n"
    }
}
