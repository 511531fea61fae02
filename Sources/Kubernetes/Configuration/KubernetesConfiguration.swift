public import Encodings

/// Which API server a client talks to, as whom, and how patiently.
public struct KubernetesConfiguration: Sendable {
    /// Whom the client trusts to be the API server. There is no way to trust everybody.
    public enum Authority: Sendable, Hashable {
        /// A file of certificates (PEM) that is read again when it changes.
        case file(String)
        /// Certificates (PEM).
        case pem(String)
    }

    /// As whom the client acts.
    public enum Credential: Sendable, Hashable {
        /// The token in a file that is read again while it is used, as the kubelet renews it.
        case tokenFile(String)
        /// A token that does not change.
        case token(SecretBytes)
        /// A certificate and its key.
        case certificate(Certificate)

        /// Two kinds of secrets are never told apart by their hash.
        public func hash(into hasher: inout Hasher) {
            switch self {
            case .tokenFile(let path): hasher.combine(path)
            case .token: hasher.combine(1)
            case .certificate: hasher.combine(2)
            }
        }
    }

    /// A client certificate and its key, each as PEM or in a file that is read again when it changes.
    public struct Certificate: Sendable, Hashable {
        /// The certificate, followed by its intermediates.
        public var chain: Authority
        /// The private key; nil when ``keyFile`` names it.
        public var key: SecretBytes?
        /// The file of the private key.
        public var keyFile: String?

        /// A certificate with its key as PEM or in a file.
        public init(chain: Authority, key: SecretBytes? = nil, keyFile: String? = nil) {
            self.chain = chain
            self.key = key
            self.keyFile = keyFile
        }

        /// Hashes what is no secret.
        public func hash(into hasher: inout Hasher) {
            hasher.combine(chain)
            hasher.combine(keyFile)
        }
    }

    /// The server: an `https` URL without slash at its end.
    public let server: String
    /// Whom the client trusts.
    public let authority: Authority
    /// As whom the client acts.
    public let credential: Credential
    /// The namespace that is meant where none is named.
    public var namespace: String
    /// Proxy URL; nil for none.
    public var proxy: String?
    /// Value of the `User-Agent` header.
    public var userAgent = "claviger"
    /// Time for a whole request, and for a watch until it is accepted.
    public var requestTimeout: Duration = .seconds(30)
    /// How long a watch may be silent. Bookmarks come about once a minute, so twice that and a little more is a dead one.
    public var watchIdleLimit: Duration = .seconds(130)
    /// From when to when the server ends a watch, in seconds; the time is drawn for each watch, so that they do not all end
    /// at once.
    public var watchSeconds: ClosedRange<Int> = 290...590
    /// Requests a second in the long run, beginnings of watches included. Leases, on which an election
    /// depends, are counted for themselves and wait behind nothing else.
    public var requestsPerSecond = 20
    /// Requests that may go out at once after a quiet time.
    public var burst = 40
    /// Largest answer but a watch's, in bytes.
    public var maximumResponseBytes = 64 * 1_048_576
    /// Longest line of a watch, in bytes.
    public var maximumWatchLineBytes = 8 * 1_048_576
    /// How long files with tokens, keys and certificates are taken to be unchanged.
    public var rereadInterval: Duration = .seconds(60)

    /// Describes a client.
    ///
    /// - Throws: `configuration` when the server is no `https` URL.
    public init(
        server: String, authority: Authority, credential: Credential, namespace: String = "default"
    ) throws(KubernetesError) {
        self.server = try Self.checked(server)
        self.authority = authority
        self.credential = credential
        self.namespace = namespace
    }

    private static func checked(_ server: String) throws(KubernetesError) -> String {
        var text = server[...]
        while text.last == "/" { text.removeLast() }
        let rest = text.dropFirst("https://".count)
        let authority = rest.prefix { $0 != "/" }
        guard text.lowercased().hasPrefix("https://"), !authority.isEmpty, !authority.contains("@"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        else {
            throw KubernetesError(
                .configuration,
                message:
                    "The API server must be an https URL without user, query and fragment, such as https://10.0.0.1:6443."
            )
        }
        return String(text)
    }
}

extension KubernetesConfiguration: CustomStringConvertible, CustomReflectable {
    /// The server alone.
    public var description: String { "configuration for \(server)" }
    /// A mirror that leaves out the credential, and the proxy, whose URL may have a password.
    public var customMirror: Mirror { Mirror(self, children: ["server": server, "namespace": namespace]) }
}
