import Encodings
import Glibc
import GuestTestSupport
import HTTPTransport
import KBSProtocol
import TestInput
import Testing

@testable import Guest

@Suite("Evidence of Hygon CSV guests")
struct CSVAttesterTests {
    /// What the real report was made with.
    private static let nonce: [UInt8] = [
        0x67, 0xC6, 0x69, 0x73, 0x51, 0xFF, 0x4A, 0xEC, 0x29, 0xCD, 0xBA, 0xAB, 0xF2, 0xFB, 0xE3, 0x46,
    ]
    private static let data = Array("user data".utf8)

    private func kernel(_ report: @escaping @Sendable ([UInt8]) -> [UInt8]) -> (SimulatedKernel, SimulatedDevice) {
        let device = SimulatedDevice { request throws(GuestError) in
            guard request.number == 0xC010_4401, request.buffers.count == 1 else { return request.unknown }
            return DeviceAnswer(argument: request.argument, buffers: [report(request.buffers[0])])
        }
        let kernel = SimulatedKernel()
        kernel.put(.device(device), at: CSVGuestDevice.path)
        return (kernel, device)
    }

    /// What firmware makes in the extended form.
    private static func extended(_ request: [UInt8]) -> [UInt8] {
        var bytes = [UInt8].zeros(4096)
        bytes.replaceSubrange(64..<144, with: request[..<80])
        let signer = [UInt8](repeating: 0x11, count: 2084) + Array("KPA64911240507".utf8) + .zeros(50 + 32)
        bytes.replaceSubrange(0x490..<0x490 + 2180, with: signer)
        bytes.replaceSubrange(
            0x490 + 2180..<0x490 + 2212, with: CSVGuestDevice.mac(of: signer, key: Array(request[64..<80])))
        return bytes
    }

    @Test("GC 9.A.15: a report of a real processor in the older form: its mask, checksum, key and chip are understood")
    func realReport() throws {
        let real = try Vectors.bytes("csv/report.cert")
        let (kernel, _) = kernel { _ in real + .zeros(4096 - real.count) }
        let device = CSVGuestDevice(kernel: kernel) { Self.nonce }
        let report = try device.report(over: Self.data)
        #expect(!report.isExtended)
        #expect(String(decoding: report.serialNumber.prefix { $0 != 0 }, as: UTF8.self) == "NZA9T14052605")
        let certificate = try CSVCertificate.platformKey(report.platformKey)
        #expect(JSONValue.object(certificate)[pointer: "/body/data/firmware/major"] == 1)
        #expect(JSONValue.object(certificate)[pointer: "/body/data/pubkey/key/g"] == 3)
        // The same report for another request.
        #expect(throws: GuestError.self) { try device.report(over: [1]) }
        #expect(throws: GuestError.self) { try CSVGuestDevice(kernel: kernel) { .zeros(16) }.report(over: Self.data) }
    }

    @Test("GC 9.A.15: certificates have the members and values that released agents send")
    func certificates() throws {
        let evidence = try Vectors.json("csv/evidence.json")
        let data = try #require(evidence[pointer: "/attestation_report/data"]?.byteArrayValue)
        let pek = try CSVCertificate.platformKey(Array(data[0x150..<0x150 + 2084]))
        #expect(JSONValue.object(pek) == evidence[pointer: "/cert_chain/pek"])
        let chain = try Vectors.bytes("csv/hsk_cek.cert")
        let hsk = JSONValue.object(try CSVCertificate.authority(Array(chain[..<832])))
        #expect(hsk[pointer: "/body/preamble/data/usage"] == 0x13)
        #expect(hsk[pointer: "/body/pubkey/g"] == 3)
        for count in [0, 2083, 2085] {
            #expect(throws: GuestError.self) { try CSVCertificate.platformKey(.zeros(count)) }
            #expect(throws: GuestError.self) { try CSVCertificate.authority(.zeros(count)) }
        }
    }

    @Test("GC 9.A.15: the extended form, asked for byte for byte")
    func extendedForm() async throws {
        let (kernel, device) = kernel(Self.extended)
        let attester = CSVAttester(kernel: kernel, eventLog: NoEventLog(), chain: nil)
        let evidence = try await attester.evidence(reportData: [5])
        #expect(evidence.objectValue?.names == ["attestation_report", "cert_chain", "serial_number", "cc_eventlog"])
        #expect(evidence[pointer: "/attestation_report/flags"] == 1)
        #expect(evidence[pointer: "/attestation_report/magic"] == .bytes(Array("ATTESTATION_EXT\0".utf8)))
        #expect(evidence[pointer: "/attestation_report/data"]?.arrayValue?.count == 4096)
        #expect(evidence["serial_number"] == .bytes(Array("KPA64911240507".utf8) + .zeros(50)))
        #expect(evidence["cert_chain"]?.objectValue?.names == ["pek"])
        #expect(evidence["cc_eventlog"]?.isNull == true)

        let request = try #require(device.requests.first)
        let buffer = request.buffers[0]
        #expect(request.argument == .zeros(8) + [0x00, 0x10, 0, 0] + .zeros(4))
        #expect(request.pointers == [.init(in: .argument, at: 0, to: 0)])
        #expect(buffer.count == 4096)
        #expect(buffer[..<64] == [5] + .zeros(63))
        #expect(Array(buffer[80..<112]) == HashAlgorithm.sm3.digest(of: Array(buffer[..<80])))
        #expect(Array(buffer[112..<132]) == Array("ATTESTATION_EXT\0".utf8) + [1, 0, 0, 0])
    }

    @Test("the chip's certificates are downloaded where that is wanted, by its serial number; failures are named")
    func chain() async throws {
        let certificates = try Vectors.bytes("csv/hsk_cek.cert")
        let (kernel, _) = kernel(Self.extended)
        try await FakeKBS.run { site, url in
            let route = "hsk_cek?snumber=KPA64911240507"
            site.script(
                route, FakeKBS.Answer(200, certificates), FakeKBS.Answer(200, certificates + [0]), FakeKBS.Answer(404))
            let client = try HTTPClient(configuration: HTTPClientConfiguration(insecureHTTPAllowed: true))
            let source = CSVChainSource(client: client, url: url + "/kbs/v0/hsk_cek?snumber=")
            let attester = CSVAttester(kernel: kernel, eventLog: NoEventLog(), chain: source)
            let evidence = try await attester.evidence(reportData: [5])
            #expect(evidence["cert_chain"]?.objectValue?.names == ["hsk_cek", "pek"])
            #expect(evidence[pointer: "/cert_chain/hsk_cek/hsk/body/preamble/data/usage"] == 0x13)
            #expect(evidence[pointer: "/cert_chain/hsk_cek/cek/body/data/pubkey/key/g"] == 3)
            for detail in ["2917 bytes", "status 404"] {
                await #expect {
                    try await attester.evidence(reportData: [5])
                } throws: {
                    ($0 as? GuestError)?.code == .evidence && "\($0)".contains(detail)
                }
            }
            await #expect(throws: GuestError.self) { try await source.certificates(of: Array("../etc".utf8)) }
            #expect(site.recorded(route).count == 3)
        }
    }

    @Test("each request has a nonce of its own")
    func freshNonces() async throws {
        let (kernel, device) = kernel(Self.extended)
        let attester = CSVAttester(kernel: kernel, eventLog: NoEventLog(), chain: nil)
        for _ in 0..<3 { _ = try await attester.evidence(reportData: [5]) }
        #expect(Set(device.requests.map { Array($0.buffers[0][64..<80]) }).count == 3)
    }

    @Test(
        "a report for another request or with a changed key is not sent",
        arguments: [64, 128, 0x490, 0x490 + 2084, 0x490 + 2200])
    func changed(offset: Int) async {
        let (kernel, _) = kernel {
            var bytes = Self.extended($0)
            bytes[offset] ^= 1
            return bytes
        }
        let attester = CSVAttester(kernel: kernel, eventLog: NoEventLog(), chain: nil)
        await #expect {
            try await attester.evidence(reportData: [5])
        } throws: {
            ($0 as? GuestError)?.code == .evidence
        }
    }

    @Test("reports of any bytes are refused, not trusted")
    func fuzz() {
        var random = SeededGenerator(seed: 0xC5)
        for _ in 0..<300 {
            let bytes = (0..<4096).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            let (kernel, _) = kernel { _ in bytes }
            #expect(throws: GuestError.self) { try CSVGuestDevice(kernel: kernel).report(over: [5]) }
        }
    }
}
