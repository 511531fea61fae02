import ArgumentParser
import Encodings
import FoundationEssentials
import JOSE
import Policy
import PolicyTesting

struct PolicyExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Show what the policies would say to a guest, without asking for anything.",
        discussion: """
            Give the claims of evidence (--claims), a token (--token), a decision of the past (--decision), or none of \
            them to attest this machine. The exit status is 0 when it would be allowed and 2 when it would be denied.
            """)

    @Option(help: "The resource that is asked for, REPOSITORY/TYPE/TAG; --decision knows it.")
    var resource: String?

    @Option(help: "The operation.")
    var operation = "get"

    @Option(help: "The plugin.")
    var plugin = "resource"

    @Option(parsing: .upToNextOption, help: "Parts of the request's query, NAME=VALUE.")
    var query: [String] = []

    @Option(help: "A YAML or JSON file with the attester, {tee: …, claims: {…}}, or a list of them.")
    var claims: String?

    @Option(
        name: .customLong("protocol"),
        help: "With --claims: the KBS protocol version that the guest attested with, such as 0.4.0.")
    var protocolVersion: String?

    @Option(
        help: "A file with an attestation token, or with the claims of one as JSON. Its signature is not looked at.")
    var token: String?

    @Option(help: "The id of a decision: the same request by the same guest.")
    var decision: String?

    @OptionGroup var policies: PolicySourceOptions
    @OptionGroup var guest: GuestOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard [claims, token, decision].compactMap(\.self).count <= 1 else {
            throw ValidationError("give only one of --claims, --token and --decision")
        }
        guard resource != nil || decision != nil else { throw ValidationError("--resource is needed") }
        if let protocolVersion {
            guard claims != nil else { throw ValidationError("--protocol goes with --claims; the others know it") }
            guard ProtocolNumber(protocolVersion) != nil else {
                throw ValidationError("--protocol is a version such as 0.4.0")
            }
        }
        for part in query where !part.contains("=") { throw ValidationError("'\(part)' is not NAME=VALUE") }
    }

    func run() async throws {
        let bundle = try await policies.bundle(policies.proposed(), broker)
        let trial: PolicyTrial
        if let decision {
            let past = try await pastRequest(decision)
            trial = PolicyTrial(
                .token(past.token), asking: resource == nil ? past.request : request, of: bundle, now: past.at)
        } else {
            trial = PolicyTrial(
                try await subject(), asking: request, of: bundle, now: Date(), protocolVersion: protocolVersion)
        }
        output.print(trial.json()) { trial.explanation() }
        if trial.decision?.allowed != true { throw ExitCode(CommandFailure.Status.denied.rawValue) }
    }

    private var request: PolicyTestCase.Request {
        let parts = query.map { part in
            (String(part.prefix { $0 != "=" }), String(part.drop { $0 != "=" }.dropFirst()))
        }
        return PolicyTestCase.Request(
            operation: operation, plugin: plugin,
            path: (resource ?? "").split(separator: "/", omittingEmptySubsequences: false).map(String.init),
            query: Dictionary(parts, uniquingKeysWith: { $1 }))
    }

    private func subject() async throws -> PolicyTestCase.Subject {
        if let claims {
            let text = try InputFile.text(claims, limit: PolicyParser.maximumBytes)
            return .evidence(try PolicyTestSuite.evidence(text, source: claims))
        }
        if let token { return .token(try Self.tokenClaims(InputFile.text(token, limit: 4 << 20))) }
        let attested = try await guest.client(broker).token()
        return .token(
            try Self.tokenClaims(attested.token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }))
    }

    /// The claims of a compact token, or of a JSON object that holds them.
    private static func tokenClaims(_ text: String) throws -> JSONObject {
        let content = text.filter { !$0.isWhitespace }
        guard content.first == "{" else { return try JWTClaims(payload: JWS(compact: content).payload).object }
        return try JSONObject(parsing: text)
    }

    private func pastRequest(_ id: String) async throws -> PastRequest {
        let record = try await broker.adminClient().decision(id)
        do throws(PastRequestError) {
            return try PastRequest(record: record.objectValue ?? [:])
        } catch {
            throw CommandFailure("decision \(id) cannot be decided again. \(error.message)")
        }
    }
}
