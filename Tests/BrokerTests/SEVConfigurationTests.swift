import BrokerTestSupport
import Encodings
import RATS
import Testing
import Verification

@testable import Broker

@Suite("Settings for launches of SEV guests")
struct SEVConfigurationTests {
    private static let digest = String(repeating: "ab", count: 32)

    private func read(_ section: String) throws -> VerifierConfiguration {
        try BrokerConfiguration(yaml: "verifiers: {kinds: [snp, sev], sev: {\(section)}}", source: "file").verifiers
    }

    @Test("what is let in is read")
    func settings() throws {
        let options = try read(
            """
            launchDigests: [\(Self.digest)], builds: [6, 24], generations: [naples, milan], chips: [\(Self.digest)], \
            minimumAPI: "1.51", allowUnencryptedState: true
            """
        ).sev.options
        #expect(options.launchDigests == [[UInt8](repeating: 0xAB, count: 32)] && options.builds == [6, 24])
        #expect(options.generations == [.naples, .milan] && options.chips == options.launchDigests)
        #expect(options.minimumAPI == SEVInterfaceVersion(major: 1, minor: 51) && !options.requiresEncryptedState)
    }

    @Test("A30: nothing is let in unless it is named, and Naples and SEV without SEV-ES not by default")
    func defaults() throws {
        #expect(!VerifierConfiguration().kinds.contains(.sev))
        let options = try read("").sev.options
        #expect(options.launchDigests.isEmpty && options.builds.isEmpty && options.requiresEncryptedState)
        #expect(!options.generations.contains(.naples) && options.minimumAPI >= .bindsSecrets)
    }

    @Test(
        "what is misspelt is refused",
        arguments: [
            "launchDigests: [abcd]", "builds: [256]", "builds: [x]", "generations: [zen]", "chips: [00]",
            "minimumAPI: '0.16'", "minimumAPI: '1'", "minimumAPI: '1.2.3'", "allowUnencrypted: true",
        ])
    func misspelt(_ section: String) throws {
        #expect(throws: ConfigurationError.self) { try read(section) }
    }

    @Test("A45: believing launches is logged at start and shows in a gauge")
    func visible() async throws {
        let test = try await TestBroker.make {
            $0.verifiers.kinds = [.snp, .sev]
        }
        #expect(test.logs.text.contains("launches of SEV and SEV-ES guests are believed"))
        #expect(test.metrics.prometheusText().contains("claviger_insecure_mode{mode=\"legacy-sev\"} 1"))
    }
}
