import Glibc

/// The certificates that servers are verified against, resolved once per client.
enum TrustAnchors: Sendable {
    /// A bundle file of the operating system; libcurl caches its parsed form.
    case file(String)
    /// PEM text; an empty one trusts nobody.
    case pem([UInt8])

    init(_ configuration: HTTPClientConfiguration) {
        let system = configuration.systemTrust ? Self.systemBundle : nil
        guard let own = configuration.trustAnchorsPEM else {
            self = system.map(Self.file) ?? .pem([])
            return
        }
        var pem = Array(own.utf8)
        if let system, let bytes = Self.contents(of: system) {
            pem.append(UInt8(ascii: "\n"))
            pem.append(contentsOf: bytes)
        }
        self = .pem(pem)
    }

    /// Where Debian, Fedora, SUSE and Alpine keep the bundle.
    private static var systemBundle: String? {
        [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
            "/etc/ssl/cert.pem",
        ].first { access($0, R_OK) == 0 }
    }

    private static func contents(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }
}
