import Testing

@testable import GuestAPI

@Suite("Listen addresses")
struct ListenAddressTests {
    @Test(
        "addresses are read in all their spellings",
        arguments: [
            ("127.0.0.1:8006", "127.0.0.1:8006", true), ("localhost:1", "127.0.0.1:1", true),
            ("[::1]:8", "[::1]:8", true),
            ("0.0.0.0:80", "0.0.0.0:80", false), ("[::]:80", "[::]:80", false),
            ("unix:/run/a.sock", "unix:/run/a.sock", true),
            ("unix:///run/a.sock", "unix:/run/a.sock", true),
        ])
    func spellings(text: String, description: String, isLocal: Bool) throws {
        let address = try ListenAddress(text)
        #expect(address.description == description)
        #expect(address.isLocal == isLocal)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", "8006", ":8006", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "host:80", "unix:", "unix:relative",
            "unix:/" + String(repeating: "x", count: 107),
        ])
    func refused(text: String) {
        #expect(throws: ListenAddressError.self) { try ListenAddress(text) }
    }
}
