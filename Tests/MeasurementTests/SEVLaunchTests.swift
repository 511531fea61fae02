import Encodings
import Testing

@testable import Measurement

@Suite("launch measures of SEV")
struct SEVLaunchTests {
    @Test("sevctl's measures are reproduced, with digests, firmware, kernel hashes and recorded registers")
    func sevctl() throws {
        let cases = try #require(Vectors.json("sev/sevctl/cases.json")["measurement"]?.arrayValue)
        #expect(cases.count == 4)
        for launch in cases {
            let api = try #require(launch["api"]?.arrayValue).compactMap { $0.intValue.flatMap(UInt8.init(exactly:)) }
            let name = try launch.text("name")
            let expected = try launch.base64("expected_b64")
            let measure = try SEVLaunchMeasure(
                apiMajor: api[0], apiMinor: api[1], build: UInt8(#require(launch["build"]?.intValue)),
                policy: UInt32(#require(launch["policy"]?.intValue)))
            let value = try measure.value(
                digest: digest(launch), nonce: Array(expected.suffix(16)),
                integrityKey: Vectors.bytes("sev/sevctl/\(launch.text("tik"))"))
            #expect(value == Array(expected.prefix(32)), "\(name)")
        }
    }

    private func digest(_ launch: JSONValue) throws -> [UInt8] {
        guard let name = launch["firmware"]?.stringValue else { return try launch.base64("launch_digest_b64") }
        let firmware = try FirmwareImage(Vectors.bytes("sev/sevctl/\(name)"))
        let kernel = try launch["kernel"]?.stringValue.map { kernel in
            try KernelHashes(
                kernel: Vectors.artifact("sev/sevctl/\(kernel)"),
                initrd: Vectors.artifact("sev/sevctl/\(launch.text("initrd"))"), commandLine: launch.text("cmdline"))
        }
        let pages = try launch["vmsa"]?.arrayValue?.map { try Vectors.bytes("sev/sevctl/\(#require($0.stringValue))") }
        return try SEVLaunch(firmware, kernel: kernel, registers: pages.map { .recorded($0) } ?? .unmeasured).digest()
    }

    @Test("the processor's own example is reproduced")
    func processor() throws {
        let example = try #require(Vectors.json("sev/session-kat.json")["measure"])
        func number(_ name: String) throws -> Int64 { try #require(example[name]?.intValue) }
        let measure = try SEVLaunchMeasure(
            apiMajor: UInt8(number("api_major")), apiMinor: UInt8(number("api_minor")), build: UInt8(number("build")),
            policy: UInt32(number("policy")))
        let value = try measure.value(
            digest: example.hex("digest"), nonce: example.hex("mnonce"), integrityKey: example.hex("tik"))
        #expect(try value == example.hex("expected"))
        #expect(
            failure { () throws(MeasurementError) in try measure.value(digest: [], nonce: [], integrityKey: []) }
                == .invalidInput)
    }
}
