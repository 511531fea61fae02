import ArgumentParser
import Guest
import JOSE
import KBSProtocol

/// Options about sealed secrets.
struct SealedSecretOptions: ParsableArguments {
    @Option(
        help: """
            Believe sealed secrets that are signed with the public key (JWK) in this file, or with one of those in this \
            folder. Can be repeated.
            """)
    var sealedSigningKey: [String] = []

    @Option(
        help: """
            Let sealed secrets name this resource, kbs:///repository/type/tag, as their signing key; the broker gives it \
            out. Can be repeated.
            """)
    var sealedSigningKid: [String] = []

    @Flag(
        help: """
            Believe sealed secrets that are signed with whatever key they name, as the guest components do. Who can store \
            a key in the broker can then seal.
            """)
    var sealedAcceptAnySigningKey = false

    @Option(
        name: .customLong("unseal"),
        help: "Write the value of a sealed file to another file: /path/of/sealed=/path/of/plain. Can be repeated.")
    var unsealed: [String] = []
}

/// What the program does with sealed secrets, from command line, environment and configuration file, checked.
struct SealedSecretSettings: Sendable {
    /// The reference's variable; nothing but `true` counts.
    static let skipVariable = "SKIP_SEALED_SECRET_VERIFICATION"

    let trust: SealedSecretTrust
    let files: [UnsealTarget]
    /// What the operator should know about the trust; nil for nothing.
    let warning: String?

    init(
        _ options: SealedSecretOptions, _ variables: AgentVariables, file: ComponentFile?, role: AgentRole,
        environment: [String: String]
    ) throws {
        func list(_ given: [String], _ name: String) -> [String] { given.isEmpty ? variables.list(name) : given }
        let paths = list(options.sealedSigningKey, "sealed-signing-key")
        let names = list(options.sealedSigningKid, "sealed-signing-kid")
        let acceptsAny = try options.sealedAcceptAnySigningKey || variables.flag("sealed-accept-any-signing-key")
        let skips =
            role.isReference
            && (environment[Self.skipVariable] == "true" || file?.skipsSealedSecretVerification ?? false)
        let hasPins = !paths.isEmpty || !names.isEmpty
        guard !(hasPins && (skips || acceptsAny)) else {
            throw AgentFailure(
                AgentFailure.badSetting,
                "Signing keys are named, and another setting says not to look at them: "
                    + (skips ? "verification of sealed secrets is switched off." : "any signing key is accepted."))
        }
        do throws(GuestError) {
            files = try list(options.unsealed, "unseal").map { (text) throws(GuestError) in
                try UnsealTarget(argument: text)
            }
            trust = SealedSecretTrust(
                rule: skips ? .unverified : acceptsAny || role.trustsNamedKeys && !hasPins ? .anyNamedKey : .pinned,
                keys: try SealedSecretTrust.keys(at: paths), keyURIs: try Self.uris(names))
        } catch {
            throw AgentFailure(error)
        }
        warning =
            switch trust.rule {
            case .pinned: nil
            case .anyNamedKey:
                "sealed secrets may be signed with any key that they name; pin yours with --sealed-signing-key or "
                    + "--sealed-signing-kid"
            case .unverified:
                "the signatures of sealed secrets are not verified: whoever can change a sealed text chooses its value"
            }
    }

    private static func uris(_ texts: [String]) throws(GuestError) -> Set<ResourceURI> {
        do throws(KBSProtocolError) {
            var uris: Set<ResourceURI> = []
            for text in texts { uris.insert(try ResourceURI(text).withoutAuthority()) }
            return uris
        } catch {
            throw GuestError(.invalidRequest, "--sealed-signing-kid: \(error.message)")
        }
    }
}

extension AgentRole {
    /// Whether sealed secrets may name their keys, as the reference lets them.
    var trustsNamedKeys: Bool {
        if case .confidentialDataHub = self { true } else { false }
    }
}
