import FoundationEssentials
import Policy
import PolicyTesting

/// Test files, with the policies that they name.
struct PolicyTestFiles {
    /// How deep folders are searched.
    private static let maximumDepth = 16

    /// The files that were named, and those with the right ending in the folders that were.
    let paths: [String]

    init(_ arguments: [String]) throws {
        paths = try arguments.flatMap { try Self.files($0, isNamed: true, depth: 0) }
    }

    /// The documents of all files, each with the policies that it tests.
    func suites() throws -> [(suite: PolicyTestSuite, documents: [PolicyDocument])] {
        try paths.flatMap { path in
            let text = try InputFile.text(path, limit: PolicyParser.maximumBytes)
            return try PolicyTestSuite.read(text, source: path).map { ($0, try Self.policies(of: $0, in: path)) }
        }
    }

    private static func policies(of suite: PolicyTestSuite, in path: String) throws -> [PolicyDocument] {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let prefix = path.contains("/") ? folder + "/" : ""
        return try PolicyFiles(suite.policies.map { $0.hasPrefix("/") ? $0 : prefix + $0 }).documents()
    }

    private static func files(_ path: String, isNamed: Bool, depth: Int) throws -> [String] {
        var isFolder = false
        guard path != "-", FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder else {
            return isNamed || PolicyTestSuite.isTest(fileName: path) ? [path] : []
        }
        guard depth < maximumDepth else { return [] }
        let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        let prefix = path == "." ? "" : path.hasSuffix("/") ? path : path + "/"
        return try names.filter { !$0.hasPrefix(".") }.flatMap {
            try files(prefix + $0, isNamed: false, depth: depth + 1)
        }
    }
}
