import ArgumentParser
import Guest
import JOSE

/// Where the key broker is, and how this guest attests to it, checked.
struct BrokerSettings: Sendable {
    /// Empty only in the roles of the guest components, which start without a broker too.
    var urls: [String]
    var certificateFile: String?
    /// Certificates (PEM) from a configuration file.
    var certificates: String?
    var allowHTTP: Bool
    var proxy: ProxySetting
    var connectTimeout: Duration
    var timeout: Duration
    var returnAfter: Duration
    var keyKind: JWEPrivateKey.Kind
    var renewsAhead: Bool

    init(
        _ options: BrokerOptions, _ variables: AgentVariables, file: ComponentFile?, isRequired: Bool,
        environment: [String: String]
    ) throws {
        urls = options.kbsURL.isEmpty ? variables.list("kbs-url") : options.kbsURL
        if urls.isEmpty {
            urls = [try file.map(\.kbsURL) ?? Self.parameters(environment)?.url].compactMap { $0 }
        }
        guard !urls.isEmpty || !isRequired else {
            throw ValidationError("The broker's address is missing: --kbs-url")
        }
        guard Set(urls).count == urls.count else { throw ValidationError("--kbs-url names an address twice") }
        certificateFile = options.kbsCert ?? variables.text("kbs-cert")
        certificates = certificateFile == nil ? file?.trustAnchorsPEM : nil
        allowHTTP = try options.allowHttp || variables.flag("allow-http") || file?.allowHTTP ?? false
        proxy = Self.proxy(
            options.proxy ?? variables.text("proxy"), exceptions: options.noProxy ?? variables.text("no-proxy"),
            environment)
        connectTimeout = try Self.seconds(options.connectTimeout, "connect-timeout", variables) ?? .seconds(10)
        timeout = try Self.seconds(options.timeout, "timeout", variables) ?? .seconds(60)
        returnAfter = try Self.seconds(options.returnAfter, "return-after", variables) ?? .seconds(300)
        let algorithm = options.teeKeyAlgorithm ?? variables.text("tee-key-algorithm")
        keyKind = try algorithm.map(Self.keyKind) ?? file?.keyKind ?? .ecP256
        renewsAhead = try !(options.renewOnDemand || variables.flag("renew-on-demand"))
    }

    private static func parameters(_ environment: [String: String]) throws(AgentFailure) -> KBCParameters? {
        do throws(GuestError) {
            return try KBCParameters.find(environment: environment, kernel: .current())
        } catch {
            throw AgentFailure(error)
        }
    }

    private static func proxy(
        _ proxy: String?, exceptions: String?, _ environment: [String: String]
    ) -> ProxySetting {
        guard let proxy else {
            var usual = ProxySetting(environment: environment)
            usual.exceptions = exceptions ?? usual.exceptions
            return usual
        }
        return proxy == "none" ? .none : ProxySetting(forAll: proxy, exceptions: exceptions)
    }

    private static func seconds(
        _ given: Double?, _ option: String, _ variables: AgentVariables
    ) throws -> Duration? {
        guard let seconds = try given ?? variables.number(option) else { return nil }
        guard (0.1...86_400).contains(seconds) else { throw ValidationError("--\(option) is 0.1 to 86400 seconds") }
        return .milliseconds(Int64(seconds * 1000))
    }

    private static func keyKind(_ name: String) throws -> JWEPrivateKey.Kind {
        guard let kind = JWEPrivateKey.Kind(rawValue: name) else {
            let names = JWEPrivateKey.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--tee-key-algorithm is one of \(names)")
        }
        return kind
    }
}
