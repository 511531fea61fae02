import Encodings
import RATS
import Verification

/// An SGX enclave on a simulated machine. Everything that it presents can be changed before it is signed.
package struct SimulatedEnclave: Sendable {
    /// The machine.
    package var platform: SimulatedPlatform
    /// The header of its quotes, of version 3.
    package var header: QuoteHeader
    /// The report, whose report data is filled in when it is sent.
    package var report: EnclaveReport

    /// An enclave that nothing is wrong with.
    package init(on platform: SimulatedPlatform) throws {
        self.platform = platform
        header = try .intel(version: 3, teeType: 0)
        report = try EnclaveReport.of([
            (.cpuSVN, platform.draft.componentSVNs), (.attributeFlags, [0x05]), (.attributeFeatures, [0xE7]),
            (.enclaveMeasurement, Array(repeating: 0x3E, count: 32)),
            (.signerMeasurement, Array(repeating: 0x35, count: 32)), (.securityVersion, [2, 0]),
        ])
    }

    /// This enclave with one field of its report replaced; it is signed again whenever it is sent.
    package func twin(_ field: EnclaveReport.Field, _ value: [UInt8]) -> SimulatedEnclave {
        var twin = self
        twin.report = report.replacing(field, with: value)
        return twin
    }

    /// This enclave with other flags besides.
    package func twin(adding flags: EnclaveReport.Flags) -> SimulatedEnclave {
        twin(.attributeFlags, littleEndian(report.flags.union(flags).rawValue))
    }

    /// A quote with zeros after the digest that it is bound to.
    package func quote(bound digest: [UInt8]) throws -> [UInt8] {
        let report = report.replacing(.reportData, with: digest)
        let signature = try platform.signature(over: header.bytes + report.bytes, for: .sgx)
        return IntelQuote(header: header, body: .enclave(report), signature: signature).encoded
    }

    /// Fresh evidence that is bound to a digest.
    package func evidence(bound digest: [UInt8]) throws -> Evidence {
        Evidence(tee: .sgx, content: ["quote": .string(Base64.encode(try quote(bound: digest)))])
    }
}
