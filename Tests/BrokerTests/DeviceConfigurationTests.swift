import Encodings
import Foundation
import JOSE
import Testing

@testable import Broker

@Suite("Configuration: accelerators and OpenPOWER hosts")
struct DeviceConfigurationTests {
    private func file(_ bytes: [UInt8]) throws -> String {
        let url = FileManager.default.temporaryDirectory.appending(path: "claviger-device-\(UUID().uuidString)")
        try Data(bytes).write(to: url)
        return url.path
    }

    @Test("chips, owners and policies are read, and what is none of them is refused when the broker starts")
    func sections() throws {
        let owner = try SigningKey.generate(.es256).verificationKey
        let ownerFile = try file(Array(SigningKey.generate(.es256).publicPEM.utf8))
        let chip = [UInt8](repeating: 7, count: 2916)
        let (chipFile, otherFile) = (try file(chip), try file([1, 2, 3]))
        defer { for path in [ownerFile, chipFile, otherFile] { try? FileManager.default.removeItem(atPath: path) } }
        let identifier = String(repeating: "4b", count: 16)
        let text = """
            verifiers:
              hygondcu: {chips: [{chipID: \(identifier), file: "\(chipFile)"}]}
              pef: {ownerKeyFiles: ["\(ownerFile)"], machinePolicies: [\(String(repeating: "8b", count: 32))]}
            """
        let read = try BrokerConfiguration(yaml: text, source: "file").verifiers
        #expect(read.dcu.options.chips == [[UInt8](repeating: 0x4B, count: 16): chip])
        #expect(read.pef.options.owners.count == 1 && read.pef.options.owners != [owner])
        #expect(read.pef.options.machinePolicies == [[UInt8](repeating: 0x8B, count: 32)])
        for wrong in [
            "hygondcu: {chips: [{chipID: 4b, file: \"\(chipFile)\"}]}",
            "hygondcu: {chips: [{chipID: \(identifier), file: \"\(otherFile)\"}]}",
            "hygondcu: {chips: [{chipID: \(identifier)}]}", "hygondcu: {allowAll: true}",
            "pef: {ownerKeyFiles: [\"\(otherFile)\"]}", "pef: {machinePolicies: [8b]}", "pef: {owners: []}",
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") {
                try BrokerConfiguration(yaml: "verifiers: {\(wrong)}", source: "file")
            }
        }
    }
}
