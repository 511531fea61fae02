import Foundation
import JOSE
import Testing
import Verification

@testable import Broker

@Suite("Signers of reference values in the configuration")
struct ReferenceSignerConfigurationTests {
    private let keyFile: URL

    init() throws {
        keyFile = FileManager.default.temporaryDirectory.appending(path: "claviger-signer-\(UUID().uuidString).pem")
        try Data(SigningKey.generate(.es256).publicPEM.utf8).write(to: keyFile)
    }

    /// The code of the error with which signers are refused; nil when they are taken.
    private func refusal(_ signers: String) -> String? {
        let yaml = "referenceValues:\n  signers: [\(signers.replacing("KEY", with: keyFile.path))]"
        do throws(ConfigurationError) {
            _ = try BrokerConfiguration(yaml: yaml, source: "test")
            return nil
        } catch {
            return error.code
        }
    }

    @Test("the example of docs/operations.md is read")
    func example() throws {
        defer { try? FileManager.default.removeItem(at: keyFile) }
        let page = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "docs/operations.md"), encoding: .utf8)
        let block = try #require(page.components(separatedBy: "```yaml\n").first { $0.hasPrefix("referenceValues:") })
        let yaml = block.components(separatedBy: "```")[0].replacing("/etc/claviger/ci.pem", with: keyFile.path)
        let settings = try BrokerConfiguration(yaml: yaml, source: "docs/operations.md").referenceValues
        #expect(settings.requiresSignatures && settings.signers.map(\.name) == ["ci", "azure-uvm"])
        let (own, azure) = (settings.signers[0], settings.signers[1])
        #expect(own.format == .inToto && own.names.count == 3 && own.keepsSuperseded == .seconds(14 * 86_400))
        #expect(own.maximumAge == .seconds(365 * 86_400) && own.namespace == nil && own.manifests == nil)
        #expect(azure.format == .uvm && azure.minimumVersion == 22 && azure.namespace == "payments")
        #expect(azure.renames == ["snp_launch_measurement": "azure_uvm_measurement"])
        #expect(azure.maximumAge == .seconds(1_095 * 86_400) && azure.manifests == ["ContainerPlat-AMD-UVM"])
    }

    @Test("signers without names, with another identity than their format's, or of the same name are refused")
    func refused() {
        defer { try? FileManager.default.removeItem(at: keyFile) }
        let did = "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2.3"
        #expect(refusal("{name: a, format: in-toto, keys: [KEY], names: [x]}") == nil)
        #expect(refusal("{name: a, format: uvm, did: \"\(did)\", names: [x]}") == nil)
        for signer in [
            "{name: a, format: in-toto, keys: [KEY]}", "{name: a, format: in-toto, keys: [KEY], names: []}",
            "{name: a, format: in-toto, names: [x]}", "{name: a, format: uvm, keys: [KEY], names: [x]}",
            "{name: a, format: in-toto, did: \"\(did)\", names: [x]}", "{name: a, format: uvm, did: x, names: [x]}",
            "{name: A, format: in-toto, keys: [KEY], names: [x]}", "{name: a, format: swid, keys: [KEY], names: [x]}",
            "{name: a, format: corim, keys: [KEY], names: [x]}, {name: a, format: corim, keys: [KEY], names: [y]}",
            "{name: a, format: corim, keys: [/nowhere], names: [x]}",
        ] { #expect(refusal(signer) == "invalid_value", "\(signer)") }
        #expect(refusal("{name: a, format: in-toto, keys: [KEY], names: [x], minimum: 1}") == "unknown_key")
    }
}
