import Testing

@testable import HTTPTransport

@Suite("Addresses at which machines answer about themselves")
struct MachineAddressTests {
    @Test(
        "A49: link-local addresses, metadata services, and their IPv6 forms are such addresses",
        arguments: [
            [169, 254, 169, 254], [169, 254, 0, 1], [0, 0, 0, 0], [100, 100, 100, 200], [168, 63, 129, 16],
            [224, 0, 0, 1],
            [255, 255, 255, 255], [0xFE, 0x80] + [UInt8](repeating: 0, count: 14),
            [0xFE, 0xBF] + [UInt8](repeating: 1, count: 14), [UInt8](repeating: 0, count: 16),
            [0xFF, 0x02] + [UInt8](repeating: 0, count: 14),
            [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 169, 254, 169, 254],
            [0, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8) + [169, 254, 169, 254],
            [0xFD, 0, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x54], [],
        ] as [[UInt8]])
    func refused(bytes: [UInt8]) {
        #expect(MachineAddress.isOne(bytes))
    }

    @Test(
        "addresses of hosts, private ones and this machine's own among them, are none",
        arguments: [
            [127, 0, 0, 1], [10, 1, 2, 3], [192, 168, 1, 1], [169, 253, 1, 1], [8, 8, 8, 8],
            [UInt8](repeating: 0, count: 15) + [1], [0xFD, 0] + [UInt8](repeating: 7, count: 14),
            [0x20, 0x01] + [UInt8](repeating: 7, count: 14), [0xFE, 0xC0] + [UInt8](repeating: 0, count: 14),
            [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 10, 0, 0, 1],
        ] as [[UInt8]])
    func allowed(bytes: [UInt8]) {
        #expect(!MachineAddress.isOne(bytes))
    }

    @Test("a client that refuses them says so, and one that does not tries to connect")
    func client() async throws {
        let configuration = HTTPClientConfiguration(
            systemTrust: false, insecureHTTPAllowed: true, machineAddressesRefused: true)
        let client = try HTTPClient(configuration: configuration)
        let request = HTTPRequest(url: "http://0.0.0.0:1/", timeout: .seconds(10))
        let refusal = await #expect(throws: HTTPTransportError.self) { try await client.send(request) }
        #expect(refusal?.code == .forbiddenAddress)
        let other = try HTTPClient(configuration: HTTPClientTests.plain)
        let failure = await #expect(throws: HTTPTransportError.self) { try await other.send(request) }
        #expect(failure?.code == .unreachable)
    }
}
