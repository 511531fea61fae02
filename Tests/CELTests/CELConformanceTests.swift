import Encodings
import Foundation
import Testing

@testable import CEL

/// The official conformance cases. `CEL_VECTORS=FOLDER` runs them from another folder of the same form.
@Suite("CELConformance")
struct CELConformanceTests {
    /// The files that the vectors of this repository have.
    private static let complete: Set<String> = [
        "basic", "bindings_ext", "block_ext", "comparisons", "conversions", "dynamic", "encoders_ext", "enums",
        "fields",
        "fp_math", "integer_math", "lists", "logic", "macros", "macros2", "math_ext", "namespace", "network_ext",
        "optionals", "parse", "plumbing", "proto2", "string", "string_ext", "timestamps", "type_deductions",
    ]

    private static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["CEL_VECTORS"] { return URL(filePath: path) }
        return Bundle.module.url(forResource: "Vectors", withExtension: nil) ?? URL(filePath: "Vectors")
    }

    private static let files: [URL] = {
        let contents = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return contents.filter { $0.pathExtension == "json" }.sorted { $0.lastPathComponent < $1.lastPathComponent }
    }()

    @Test("there are conformance files")
    func filesExist() {
        #expect(!Self.files.isEmpty)
        if ProcessInfo.processInfo.environment["CEL_VECTORS"] == nil {
            let names = Set(Self.files.map { $0.deletingPathExtension().lastPathComponent })
            #expect(names.isSuperset(of: Self.complete))
        }
    }

    @Test("every case of a conformance file has its value, type or error", arguments: files)
    func conformance(file: URL) throws {
        let name = file.deletingPathExtension().lastPathComponent
        let cases = try Self.cases(of: file)
        #expect(!cases.isEmpty)
        let failures = cases.compactMap { test in
            test.failure().map { "\(test.name): \(test.expression): \($0)" }
        }
        print("CEL conformance: \(name): \(cases.count - failures.count) of \(cases.count) cases passed")
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }

    @Test("the cases of all files together")
    func total() throws {
        let cases = try Self.files.flatMap(Self.cases)
        let passed = cases.filter { $0.failure() == nil }.count
        print("CEL conformance: \(passed) of \(cases.count) cases passed in \(Self.files.count) files")
        #expect(passed == cases.count)
    }

    private static func cases(of file: URL) throws -> [ConformanceCase] {
        let json = try JSONValue(parsing: Array(Data(contentsOf: file)))
        return (json["tests"]?.arrayValue ?? []).map(ConformanceCase.init)
    }
}
