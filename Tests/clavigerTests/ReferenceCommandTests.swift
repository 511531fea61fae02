import Encodings
import Foundation
import TestPrograms
import Testing

private let claviger = BuiltProgram("claviger")

/// What somebody asks a broker of `claviger dev` about reference values.
@Suite("claviger reference", .timeLimit(.minutes(5)), .enabled(if: claviger != nil, "claviger is not built"))
struct ReferenceCommandTests {
    @Test(
        "values are shown with who asks for them, measurements with the values that name them, and strangers' manifests refused"
    )
    func catalogue() async throws {
        let scratch = try Scratch()
        let broker = try await DevelopmentBrokerProcess.start(environment: ["HOME": scratch.path])
        func run(_ words: String...) async throws -> (status: Int32, output: String, errors: String) {
            let run = try await #require(claviger).run(
                words, environment: ["HOME": scratch.path, "CLAVIGER_HOME": broker.home])
            return (await run.status(), run.outputText, run.errorText)
        }
        let before = try await run("reference", "who-uses", "snp_launch_measurement")
        #expect(before.status == 0 && before.output.contains("AppraisalPolicy/-/default-cpu"), "\(before)")
        #expect(before.output.contains("nothing: There is no reference value 'snp_launch_measurement'."))
        #expect(try await run("reference", "put", "snp_launch_measurement", "abcd").status == 0)
        let shown = try await run("reference", "show", "snp_launch_measurement")
        #expect(shown.output.contains("accepted, counts, until ") && shown.output.contains("  abcd\n"), "\(shown)")
        #expect(shown.output.contains("asked for by AppraisalPolicy/-/default-cpu\n"))
        #expect(try await run("reference", "show", "nobody_knows_it").status == 3)

        #expect(try await run("attest", "--allow-sample").status == 0)
        let seen = try await run("reference", "seen", "-o", "json")
        let measurement = try #require(JSONValue(parsing: seen.output).arrayValue?.first, "\(seen)")
        #expect(measurement["tee"] == "sample" && measurement["claim"] == "launch_digest")
        let known = measurement["names"] == []
        #expect(try await run("reference", "seen", "--unknown").output.contains("launch_digest") == known)

        let record =
            #"{"expiration":"2099-01-01T00:00:00Z","name":"artifact","version":"0.1.0","value":"abc"}"#
        let file = scratch.path + "/file.json"
        try Data(record.utf8).write(to: URL(filePath: file))
        #expect(try await run("reference", "put", "--records", file).status == 0)
        #expect(try await run("reference", "show", "artifact").output.contains("until 2099-01-01T00:00:00Z"))
        #expect(try await run("reference", "put", "name", "--records", file).status == 64)
        let refused = try await run("reference", "import", file)
        #expect(refused.status == 2 && refused.errors.contains("untrusted_signer"), "\(refused)")
        #expect(try await run("reference", "manifests").output.contains("no manifest was imported"))
        await broker.end()
    }
}
